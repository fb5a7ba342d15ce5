"""Where shipped files go: a folder, or S3."""

from __future__ import annotations

import os
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from artifact.errors import StorageError, UsageError


class Destination:
    """A folder, or s3://bucket/prefix with the credentials of AWS's usual variables; AWS_ENDPOINT_URL is another S3."""

    def __init__(self, uri: str) -> None:
        """UsageError (2) for a URI of anything else."""
        scheme, is_url, path = uri.partition("://")
        bucket, _, self._prefix = path.partition("/")
        if is_url and (scheme != "s3" or not bucket):
            raise UsageError(f"--to {uri!r} is neither a folder nor s3://bucket/prefix")
        http = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        self._store = S3Store(bucket, client_options={"allow_http": http}) if is_url else None
        self._folder = Path(uri).resolve()

    def write(self, key: str, content: bytes) -> None:
        """One file, whole or not at all, in place of one of that key; StorageError (30) where it is not taken."""
        try:
            if self._store is not None:
                obstore.put(self._store, "/".join(filter(None, (self._prefix.strip("/"), key))), content)
                return
            path = self._folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f"{path.name}.new")
            new.write_bytes(content)
            new.replace(path)
        except (OSError, BaseError) as error:
            raise StorageError(f"{key} could not be written: {error!s:.300}") from error
