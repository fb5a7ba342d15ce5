"""A file on disk or on S3: read as it is, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from artifact.errors import ConfigurationError

SCHEME = "s3://"
_REMOVED_AT_ONCE = 8


class Location(Protocol):
    """One file, or the folder of that name; its text is its path or its s3:// URL."""

    def open(self) -> pa.NativeFile:
        """The bytes, for reading and seeking; FileNotFoundError where there are none."""

    def identity(self) -> dict[str, Any]:
        """What changes when the file does."""

    def writing(self) -> Any:
        """A context with a stream; what is written stands there when the block ends well, and not before."""

    def sibling(self, name: str) -> Location:
        """The file `name` in the same folder."""

    def child(self, name: str) -> Location:
        """The file `name` in the folder that this is."""

    def children(self) -> list[str]:
        """Names of the files in the folder that this is; none where there is no such folder."""

    def remove(self) -> None:
        """Remove the file, or the folder with its files; nothing where it is not."""


def parse(text: str) -> Location:
    """The location that `text` names; ConfigurationError (10) for a URL that is no s3://<bucket>/<key>."""
    if text.startswith(SCHEME):
        bucket, _, key = text.removeprefix(SCHEME).partition("/")
        if not bucket or not key or key.endswith("/"):
            raise ConfigurationError(f"{text!r} names no object: expected s3://<bucket>/<key>")
        from scoring.s3_location import S3Location, filesystem  # s3fs takes half a second

        return S3Location(f"{bucket}/{key}", filesystem())
    if "://" in text:
        raise ConfigurationError(f"{text!r} is neither a path nor s3://<bucket>/<key>; copy the file to one of them")
    return Disk(Path(text))


@dataclass(frozen=True)
class Disk:
    """A path on this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> pa.NativeFile:
        return pa.OSFile(str(self.path))

    def identity(self) -> dict[str, Any]:
        status = self.path.stat()
        return {"path": str(self.path.resolve()), "size": status.st_size, "changed": status.st_mtime_ns}

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".partial")
        try:
            with partial.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)

    def sibling(self, name: str) -> Disk:
        return Disk(self.path.with_name(name))

    def child(self, name: str) -> Disk:
        return Disk(self.path / name)

    def children(self) -> list[str]:
        return sorted(entry.name for entry in self.path.iterdir()) if self.path.is_dir() else []

    def remove(self) -> None:
        if self.path.is_dir():
            # Several at a time: a file system that tells the disk what is free waits milliseconds for each file.
            with ThreadPoolExecutor(_REMOVED_AT_ONCE) as pool:
                list(pool.map(os.unlink, [entry.path for entry in os.scandir(self.path) if entry.is_file()]))
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)
