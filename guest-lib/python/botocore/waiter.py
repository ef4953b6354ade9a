# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Waiters: an operation is called until its answer says that it is done.

A waiter is (method, seconds between two calls, calls at most, rules). A rule is (what, verdict): what is "ok", an
error's code, or (path, value) in the answer; verdict is success, retry or failure."""
from botocore.exceptions import ClientError, WaiterError

__all__ = ["Waiter", "WaiterError"]


class Waiter:
    def __init__(self, name, how, client):
        # bucket_exists: BucketExists
        self.name = "".join(part.capitalize() for part in name.split("_"))
        self._method, self._delay, self._attempts, self._rules = how
        self._client = client

    def wait(self, **kwargs):
        config = kwargs.pop("WaiterConfig", None) or {}
        delay = config.get("Delay", self._delay)
        attempts = config.get("MaxAttempts", self._attempts)
        method = getattr(self._client, self._method)
        done = 0
        while True:
            try:
                response, code = method(**kwargs), None
            except ClientError as error:
                response, code = error.response, error.response["Error"].get("Code")
            done += 1
            verdict, why = self._judge(response, code)
            if verdict == "success":
                return
            if verdict == "failure":
                raise WaiterError(name=self.name, reason=why, last_response=response)
            if verdict is None and code is not None:
                raise WaiterError(name=self.name, last_response=response, reason=(
                    f"An error occurred ({code}): {response['Error'].get('Message', 'Unknown')}"))
            if done >= attempts:
                reason = "Max attempts exceeded" if verdict is None else (
                    f"Max attempts exceeded. Previously accepted state: {why}")
                raise WaiterError(name=self.name, reason=reason, last_response=response)
            import time
            time.sleep(delay)

    def _judge(self, response, code):
        for what, verdict in self._rules:
            if isinstance(what, tuple):
                value = response
                for name in what[0].split("."):
                    value = value.get(name) if isinstance(value, dict) else None
                if code is None and value == what[1]:
                    return verdict, f'For expression "{what[0]}" we matched expected path: "{what[1]}"'
            elif what == "ok" and code is None:
                status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                return verdict, f"Matched expected HTTP status code: {status}"
            elif what == code:
                if what.isdigit():
                    return verdict, f"Matched expected HTTP status code: {what}"
                return verdict, f"Matched expected service error code: {what}"
        return None, ""
