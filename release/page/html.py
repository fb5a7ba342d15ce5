"""The templates of all pages, with the filters that they use."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from release.commit_message import short

_FOLDER = Path(__file__).with_name("templates")
STYLE = "style.css"
_COLOURS = 8  # of releases in a bar, as style.css names them


def text(template: str, **values: Any) -> str:
    """The page that `template` makes of `values`."""
    return _environment.get_template(template).render(**values)


def style() -> str:
    """The text of the one style sheet."""
    return (_FOLDER / STYLE).read_text(encoding="utf-8")


def _colour(name: str) -> int:
    """The same one of a release wherever it is drawn."""
    return hashlib.sha256(name.encode()).digest()[0] % _COLOURS


def _when(text: str) -> str:
    """`2026-11-26T08:07:39Z` as people read it."""
    return text.replace("T", " ").removesuffix("Z")[:16] + " UTC" if text[10:11] == "T" else text


_environment = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"short": short, "colour": _colour, "when": _when}
