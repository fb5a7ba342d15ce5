"""The JSON files that one stage leaves for the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from artifact import text_file
from artifact.errors import ConfigurationError


def read(path: Path) -> Any:
    """The value in `path`; ConfigurationError (10), which names the command that makes it, where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); make it with `dvc repro`") from error


def write(path: Path, value: Any) -> None:
    """Write `value` to `path`, whole or not at all; makes its folder."""
    text_file.write(path, text_file.readable_json(value))
