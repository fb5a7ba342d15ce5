"""Bring a published artifact into a folder: all of it, verified, or nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from artifact import digest, load
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, IntegrityError, StorageError
from artifact.manifest import BUNDLE, Manifest
from artifact.manifest import FILE as MANIFEST
from release import command_line
from release.bucket.store import Store
from release.checkout import Checkout
from release.commands.status import uri_of


def fetch(store: Store, uri: ArtifactUri, out: Path) -> bool:
    """Make `out` hold exactly the artifact at `uri`, with its signature if it has one; False when it did already.

    IntegrityError (20) when the bucket lacks a file of it or has other bytes, StorageError (30) when it cannot be
    reached. `out` then stays as it was.
    """
    with contextlib.suppress(IntegrityError):
        load.verify(out, expected_digest=uri.digest, name=uri.model)
        return False
    _require_replaceable(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-", ignore_cleanup_errors=True) as folder:
            fresh = Path(folder) / "artifact"
            fresh.mkdir()
            data = _get(store, uri, MANIFEST)
            if digest.of_bytes(data) != uri.digest:
                raise IntegrityError(
                    f"{MANIFEST} at {uri} is {digest.of_bytes(data)}: it was overwritten; publish the artifact again"
                )
            for file in Manifest.from_bytes(data).files:
                (fresh / file.path).write_bytes(_get(store, uri, file.path))
            (fresh / MANIFEST).write_bytes(data)
            if (signed := store.get(uri.key + BUNDLE)) is not None:
                (fresh / BUNDLE).write_bytes(signed)
            load.verify(fresh, expected_digest=uri.digest, name=uri.model)
            if out.exists():
                os.rename(out, Path(folder) / "before")
            os.rename(fresh, out)
    except OSError as error:
        raise StorageError(
            f"{out} cannot be written: {error.strerror or error}; free space, or name another"
        ) from error
    return True


def remove(out: Path) -> None:
    """Leave no artifact at `out`; ConfigurationError when it holds something else."""
    _require_replaceable(out)
    if out.exists():
        shutil.rmtree(out)


def _require_replaceable(out: Path) -> None:
    """ConfigurationError unless `out` is an artifact's folder, an empty one or none: nothing of a person's is lost."""
    ours = out.is_dir() and not out.is_symlink() and ((out / MANIFEST).exists() or not any(out.iterdir()))
    if out.exists() and not ours:
        raise ConfigurationError(f"{out} holds something else than an artifact: name another folder, or remove it")


def _get(store: Store, uri: ArtifactUri, path: str) -> bytes:
    data = store.get(uri.key + path)
    if data is None:
        raise IntegrityError(f"the bucket holds no {path} at {uri}: publish the artifact first, or correct the URI")
    return data


def main(argv: Sequence[str] | None = None) -> None:
    """As `fetch`."""
    line = command_line.parser("fetch", __doc__)
    line.add_argument("uri", metavar="URI|RELEASE", help="its storageUri, or the name of a release")
    line.add_argument("--out", type=Path, required=True, help="the folder")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    uri = ArtifactUri.parse(uri_of(checkout.remote, arguments.uri))
    new = fetch(Store(dataclasses.replace(checkout.settings, bucket=uri.bucket)), uri, arguments.out)
    print(f"{uri.digest} {'fetched into' if new else 'is already in'} {arguments.out}")
