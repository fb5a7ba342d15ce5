"""Download of one artifact: what its manifest lists and nothing else, each byte hashed before the folder is whole."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from artifact import digest, file_list
from artifact.errors import IntegrityError, StorageError
from artifact.file_list import File

PIECE = 8 << 20  # bytes of one request
CONNECTIONS = 8  # requests at once; as many pieces are in memory


class Objects(Protocol):
    """What `initializer.bucket.Bucket` does."""

    def read(self, path: str, start: int, end: int) -> tuple[memoryview, int]:
        """Some bytes of an object, and the size of all of it; FileNotFoundError, StorageError."""

    def read_if_there(self, path: str, most: int) -> bytes | None:
        """A small object, or None."""


@dataclass(frozen=True)
class _Piece:
    file: File
    start: int
    end: int


def download(objects: Objects, folder: Path, expected_digest: str) -> int:
    """Put the artifact `expected_digest` into `folder`, which is made, and return its size in bytes.

    manifest.json is written last: a folder without it is no whole artifact, for the predictor either. What an earlier,
    killed download left is written again. Raises IntegrityError (20) when bytes are not those that the digest names,
    StorageError (30); then none of these files is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file_list.FILE).unlink(missing_ok=True)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        signature = pool.submit(objects.read_if_there, file_list.BUNDLE, file_list.LARGEST)
        manifest = _manifest(objects, expected_digest)
        files = file_list.of_manifest(manifest)
        try:
            _write(folder, _in_order(pool, objects, files))
            (folder / file_list.BUNDLE).unlink(missing_ok=True)
            if (bundle := signature.result()) is not None:
                (folder / file_list.BUNDLE).write_bytes(bundle)
            (folder / file_list.FILE).write_bytes(manifest)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for path in (file_list.FILE, file_list.BUNDLE, *(file.path for file in files)):
                (folder / path).unlink(missing_ok=True)
            raise
    return len(manifest) + sum(file.size for file in files)


def _manifest(objects: Objects, expected_digest: str) -> bytes:
    try:
        data, size = objects.read(file_list.FILE, 0, file_list.LARGEST)
    except FileNotFoundError:
        raise StorageError(
            f"there is no {file_list.FILE} of {expected_digest}: publish the artifact, or name another one in Git"
        ) from None
    if size > file_list.LARGEST:
        raise IntegrityError(f"{file_list.FILE} has {size} bytes; a manifest has at most {file_list.LARGEST}")
    actual = digest.of_bytes(bytes(data))
    if actual != expected_digest:
        raise IntegrityError(
            f"{file_list.FILE} is of {actual}, but {expected_digest} was named: the bucket was changed behind Git's "
            "back, publish the artifact again from its training"
        )
    return bytes(data)


def _in_order(pool: ThreadPoolExecutor, objects: Objects, files: Iterable[File]) -> Iterator[tuple[_Piece, memoryview]]:
    """Each piece of each file in turn, while those behind it are on their way."""
    pieces = (
        _Piece(file, start, min(start + PIECE, file.size)) for file in files for start in range(0, file.size, PIECE)
    )
    coming: deque[tuple[_Piece, Future[tuple[memoryview, int]]]] = deque()
    for piece in pieces:
        coming.append((piece, pool.submit(objects.read, piece.file.path, piece.start, piece.end)))
        if len(coming) == CONNECTIONS:
            yield _arrived(*coming.popleft())
    while coming:
        yield _arrived(*coming.popleft())


def _arrived(piece: _Piece, coming: Future[tuple[memoryview, int]]) -> tuple[_Piece, memoryview]:
    file = piece.file
    try:
        data, size = coming.result()
    except FileNotFoundError:
        raise IntegrityError(f"{file.path!r} is missing; publish the artifact again from its training") from None
    if size != file.size or len(data) != piece.end - piece.start:
        raise IntegrityError(f"{file.path} has {size} bytes, its manifest names {file.size}")
    return piece, data


def _write(folder: Path, pieces: Iterator[tuple[_Piece, memoryview]]) -> None:
    for piece, data in pieces:
        if piece.start == 0:
            sha256 = hashlib.sha256()
            (folder / piece.file.path).unlink(missing_ok=True)
        sha256.update(data)
        with (folder / piece.file.path).open("ab") as target:
            target.write(data)
        if piece.end == piece.file.size and (actual := f"sha256-{sha256.hexdigest()}") != piece.file.sha256:
            raise IntegrityError(
                f"{piece.file.path} is of {actual}, its manifest names {piece.file.sha256}; publish the artifact again "
                "from its training"
            )
