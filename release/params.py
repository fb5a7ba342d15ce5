"""The one value of params.yaml that release needs: which model this repository trains."""

from __future__ import annotations

from pathlib import Path

from artifact import digest
from artifact.errors import ConfigurationError
from release import quoted_yaml

PATH = Path("params.yaml")


def model(root: Path) -> str:
    """`model.name` of params.yaml in `root`; ConfigurationError when it is missing or cannot be a name."""
    try:
        value = quoted_yaml.load((root / PATH).read_text(encoding="utf-8"), str(PATH)).get("model")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{PATH} cannot be read ({error}): run this at the root, or give --model") from error
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise ConfigurationError(f"{PATH} has no model.name: add it, or give --model")
    return digest.model_name(name)
