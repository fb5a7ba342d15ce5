"""An object on S3 as a location: keys, region and AWS_ENDPOINT_URL are what boto3 finds in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import s3fs

_BLOCK = 16 << 20  # bytes of one request: 10,000 of them, the most of an upload, are 156 GiB
_REMOVED_AT_ONCE = 8
# A bucket that is down is told apart within about a minute.
_BOUNDS = {"connect_timeout": 5, "read_timeout": 20, "retries": {"total_max_attempts": 2, "mode": "standard"}}


def filesystem() -> s3fs.S3FileSystem:
    """S3 as the environment names it."""
    return s3fs.S3FileSystem(
        config_kwargs=_BOUNDS, default_block_size=_BLOCK, use_listings_cache=False, skip_instance_cache=True
    )


@dataclass(frozen=True)
class S3Location:
    """`path` is <bucket>/<key>."""

    path: str
    files: Any

    def __str__(self) -> str:
        return f"s3://{self.path}"

    def open(self) -> pa.NativeFile:
        return pa.PythonFile(self.files.open(self.path, "rb", cache_type="readahead"), mode="r")

    def identity(self) -> dict[str, Any]:
        info = self.files.info(self.path, refresh=True)
        return {"path": str(self), "size": info["size"], "changed": info["ETag"]}

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        stream = self.files.open(self.path, "wb", autocommit=False)
        try:
            yield stream
            stream.close()
        except BaseException:
            stream.discard()  # an upload that is not completed is seen by nobody
            stream.closed = True  # and fsspec would complete it when it collects the garbage
            raise
        stream.commit()

    def sibling(self, name: str) -> S3Location:
        return S3Location(f"{self.path.rpartition('/')[0]}/{name}", self.files)

    def child(self, name: str) -> S3Location:
        return S3Location(f"{self.path}/{name}", self.files)

    def children(self) -> list[str]:
        try:
            keys = self.files.ls(self.path, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(entry.rpartition("/")[2] for entry in keys if entry.rstrip("/") != self.path)

    def remove(self) -> None:
        # S3 knows no folders: these are the objects whose keys begin with this one's. Each takes a request.
        with ThreadPoolExecutor(_REMOVED_AT_ONCE) as pool:
            list(pool.map(self.files.rm_file, [f"{self.path}/{name}" for name in self.children()]))
        if self.files.isfile(self.path):
            self.files.rm_file(self.path)
