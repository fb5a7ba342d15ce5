"""Read YAML exactly as DVC reads it, so that one params.yaml never means two things."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from artifact.errors import ConfigurationError


class _Loader(yaml.SafeLoader):
    """YAML 1.2, core schema: `no` and `2024-01-05` are text, `1e3` is a number, a key given twice is an error."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - declared so by PyYAML

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", node.value[position][0].start_mark
                )
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    # PyYAML's own would read 010 as octal, as YAML 1.1 does.
    text = node.value
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def _ambiguous(loader: _Loader, node: yaml.ScalarNode) -> str:
    raise yaml.constructor.ConstructorError(
        None, None, f"{node.value} is a date or a number to some readers: quote it", node.start_mark
    )


# Last, so that it takes only what nothing above takes: DVC reads these as dates and numbers.
_Loader.add_implicit_resolver(
    "!ambiguous", re.compile(r"^(?:\d{4}-\d\d?-\d\d?\b.*|[-+]?\d+(_\d+)+(\.[\d_]*)?|0b[01]+)$"), list("-+0123456789")
)
_Loader.add_constructor("!ambiguous", _ambiguous)


def read(path: Path) -> dict[str, Any]:
    """The mapping in the YAML file at `path`; ConfigurationError (10) names the line that is no YAML."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} is not here; run from the root of the repository, or make one with `python -m starter init`"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path} holds {type(value).__name__}, expected a mapping of sections")
    return value
