"""Text files that are written whole or not at all, and the form that JSON has in them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

_MODE = 0o644


def readable_json(value: Any) -> str:
    """`value` as JSON for files that people read too: two spaces a level, keys in their order, UTF-8, no NaN.

    `artifact.digest.canonical_json` is the other form: that of which digests are made.
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(path: Path, text: str, mode: int | None = None) -> None:
    """Replace the file at `path` in one rename, so that a kill leaves the old text or the new; its folder is made.

    `mode`: the permissions, from the first byte on; default: those of the file that is there, else 0644.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode is None:
        mode = path.stat().st_mode & 0o777 if path.exists() else _MODE
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for its owner only
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
