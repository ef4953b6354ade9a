# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""TransferConfig and S3Transfer."""
from boto3.exceptions import RetriesExceededError, S3UploadFailedError

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
        self.max_concurrency = self.max_request_concurrency = max_concurrency
        self.multipart_chunksize = multipart_chunksize
        self.num_download_attempts = num_download_attempts
        self.max_io_queue = self.max_io_queue_size = max_io_queue
        self.io_chunksize = io_chunksize
        self.use_threads = use_threads
        self.max_bandwidth = max_bandwidth
        for name in ("multipart_threshold", "multipart_chunksize", "max_concurrency", "max_io_queue", "io_chunksize",
                     "num_download_attempts", "max_bandwidth"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"Provided parameter {self.ALIAS.get(name, name)} of value {value} must be greater "
                                 "than 0.")


class S3Transfer:
    def __init__(self, client=None, config=None, osutil=None, manager=None):
        if not client and not manager:
            raise ValueError("Either a boto3.Client or s3transfer.manager.TransferManager must be provided")
        self._client = client
        self._config = config

    def upload_file(self, filename, bucket, key, callback=None, extra_args=None):
        from nexus import transfer
        transfer.upload_file(self._client, filename, bucket, key, extra_args, callback, self._config)

    def download_file(self, bucket, key, filename, extra_args=None, callback=None):
        from nexus import transfer
        transfer.download_file(self._client, bucket, key, filename, extra_args, callback, self._config)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass
