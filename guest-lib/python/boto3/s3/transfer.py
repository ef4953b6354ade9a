# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""TransferConfig, S3Transfer, and managers of transfers."""
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from nexus import transfer

__all__ = ["RetriesExceededError", "S3Transfer", "S3UploadFailedError", "TransferConfig"]

KB = 1024
MB = KB * KB


class TransferConfig:
    """Taken as boto3 takes it; see nexus.transfer for what has an effect."""

    ALIAS = {"max_concurrency": "max_request_concurrency", "max_io_queue": "max_io_queue_size"}

    def __init__(self, multipart_threshold=8 * MB, max_concurrency=10, multipart_chunksize=8 * MB,
                 num_download_attempts=5, max_io_queue=100, io_chunksize=256 * KB, use_threads=True,
                 max_bandwidth=None):
        self.multipart_threshold = multipart_threshold
        self.max_concurrency = max_concurrency
        self.multipart_chunksize = multipart_chunksize
        self.num_download_attempts = num_download_attempts
        self.max_io_queue = max_io_queue
        self.io_chunksize = io_chunksize
        self.use_threads = use_threads
        self.max_bandwidth = max_bandwidth
        self.max_submission_concurrency = 5
        self.max_request_queue_size = self.max_submission_queue_size = 1000
        self.max_in_memory_upload_chunks = self.max_in_memory_download_chunks = 10
        for name in ("multipart_threshold", "multipart_chunksize", "max_concurrency", "max_io_queue", "io_chunksize",
                     "num_download_attempts", "max_bandwidth"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"Provided parameter {self.ALIAS.get(name, name)} of value {value} must be greater "
                                 "than 0.")

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name in self.ALIAS:
            super().__setattr__(self.ALIAS[name], value)


class S3Transfer:
    ALLOWED_DOWNLOAD_ARGS = transfer.DOWNLOAD_ARGS
    ALLOWED_UPLOAD_ARGS = transfer.UPLOAD_ARGS

    def __init__(self, client=None, config=None, osutil=None, manager=None):
        if not client and not manager:
            raise ValueError("Either a boto3.Client or s3transfer.manager.TransferManager must be provided")
        self._client = client
        self._config = config

    def upload_file(self, filename, bucket, key, callback=None, extra_args=None):
        transfer.upload_file(self._client, filename, bucket, key, extra_args, callback, self._config)

    def download_file(self, bucket, key, filename, extra_args=None, callback=None):
        transfer.download_file(self._client, bucket, key, filename, extra_args, callback, self._config)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass


class ProgressCallbackInvoker:
    """A subscriber of a manager's transfers."""

    def __init__(self, callback):
        self._callback = callback

    def on_progress(self, bytes_transferred, **kwargs):
        self._callback(bytes_transferred)


def create_transfer_manager(client, config, osutil=None):
    from nexus.transfer_manager import TransferManager
    return TransferManager(client, config)
