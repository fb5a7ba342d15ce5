"""Looks into the DVC remote after a pull failed: whether an object is missing there, or has other bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from pipeline.params import yaml12

_HASH = "md5"  # DVC's own, by which it names objects


def damaged(dvc_file: Path) -> str | None:
    """The first object of `dvc_file` whose bytes in the remote are not those of its name.

    None where there is none, and where the remote does not answer.
    """
    try:
        with Repo() as repository:
            store = repository.cloud.get_remote_odb(hash_name=_HASH)
            for out in yaml12.read(dvc_file)["outs"]:
                if out.get("hash", _HASH) == _HASH:
                    problem = _damaged(store, out[_HASH])
                    if problem is not None:
                        return problem
    except Exception:  # whatever a storage raises that cannot be read: then nothing is known
        return None
    return None


def _damaged(store: Any, name: str) -> str | None:
    content = _check(store, name, keep=name.endswith(".dir"))
    if isinstance(content, str):
        return content
    for entry in json.loads(content) if content else ():
        inner = _check(store, entry[_HASH], keep=False)
        if isinstance(inner, str):
            return f"{inner} ({entry['relpath']})"
    return None


def _check(store: Any, name: str, keep: bool) -> str | bytes:
    """The path of the object where its bytes are others, else its bytes, none unless `keep` or where it is missing."""
    path, hashed, pieces = store.oid_to_path(name), hashlib.md5(usedforsecurity=False), []
    try:
        with store.fs.open(path, "rb") as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
                pieces += [piece] if keep else []
    except FileNotFoundError:
        return b""
    return b"".join(pieces) if hashed.hexdigest() == name.removesuffix(".dir") else str(path)
