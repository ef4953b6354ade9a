# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""boto3.s3.transfer.create_transfer_manager(): transfers of many objects at once, a thread and a future each."""
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from nexus import transfer


class TransferFuture:
    """What a transfer came to. `meta` says what it was asked for."""

    def __init__(self, **asked):
        self.meta = SimpleNamespace(call_args=SimpleNamespace(**asked))
        self._future = None

    def done(self):
        return self._future.done()

    def result(self):
        return self._future.result()

    def cancel(self):
        """One that has begun goes on to its end."""
        self._future.cancel()


class TransferManager:
    ALLOWED_COPY_ARGS = transfer.COPY_ARGS
    ALLOWED_DOWNLOAD_ARGS = transfer.DOWNLOAD_ARGS
    ALLOWED_UPLOAD_ARGS = transfer.UPLOAD_ARGS

    def __init__(self, client, config=None):
        self.client = client
        self.config = transfer._config(config)
        self._pool = ThreadPoolExecutor(self.config.max_request_concurrency if self.config.use_threads else 1)

    def upload(self, fileobj, bucket, key, extra_args=None, subscribers=None):
        call = transfer.upload_fileobj if hasattr(fileobj, "read") else _upload_file
        return self._submit(call, subscribers, fileobj, bucket, key, fileobj=fileobj, bucket=bucket, key=key,
                            extra_args=transfer._check_args(extra_args, self.ALLOWED_UPLOAD_ARGS))

    def download(self, bucket, key, fileobj, extra_args=None, subscribers=None):
        call = transfer.download_fileobj if hasattr(fileobj, "write") else transfer.download_file
        return self._submit(call, subscribers, bucket, key, fileobj, fileobj=fileobj, bucket=bucket, key=key,
                            extra_args=transfer._check_args(extra_args, self.ALLOWED_DOWNLOAD_ARGS))

    def copy(self, copy_source, bucket, key, extra_args=None, subscribers=None, source_client=None):
        def call(client, source, bucket, key, extra, callback, config):
            transfer.copy(client, source, bucket, key, extra, callback, source_client, config)

        return self._submit(call, subscribers, copy_source, bucket, key, copy_source=copy_source, bucket=bucket, key=key,
                            extra_args=transfer._check_args(extra_args, self.ALLOWED_COPY_ARGS))

    def delete(self, bucket, key, extra_args=None, subscribers=None):
        def call(client, bucket, key, extra, callback, config):
            client.delete_object(Bucket=bucket, Key=key, **extra)

        return self._submit(call, subscribers, bucket, key, bucket=bucket, key=key, extra_args=dict(extra_args or {}))

    def _submit(self, call, subscribers, *args, **asked):
        future = TransferFuture(**asked)

        def tell(event, **kwargs):
            for subscriber in subscribers or ():
                told = getattr(subscriber, event, None)
                if told:
                    told(future=future, **kwargs)

        def run():
            try:
                return call(self.client, *args, asked["extra_args"],
                            lambda n: tell("on_progress", bytes_transferred=n), self.config)
            finally:
                tell("on_done")

        tell("on_queued")
        future._future = self._pool.submit(run)
        return future

    def shutdown(self, cancel=False, cancel_msg=""):
        self._pool.shutdown(cancel_futures=cancel)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.shutdown(cancel=value is not None)


def _upload_file(client, filename, *args):
    with open(filename, "rb", buffering=0) as file:
        transfer.upload_fileobj(client, file, *args)
