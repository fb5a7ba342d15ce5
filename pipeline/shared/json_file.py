"""The JSON files that one stage leaves for the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError


def read(path: Path) -> Any:
    """The value in `path`; ConfigurationError (10) where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); make it with `dvc repro`") from error


def write(path: Path, value: Any) -> None:
    """Put `value` into `path`, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
