"""Which kind of table a file is, by its name, and how its bytes are opened."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

CSV, TSV, JSON, PARQUET, FEATHER = "csv", "tsv", "json", "parquet", "feather"
_ENDINGS = {
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".parquet": PARQUET,
    ".feather": FEATHER,
    ".arrow": FEATHER,
}
_TEXT = (CSV, TSV, JSON)
_GZIP = ".gz"
ENDINGS = (*_ENDINGS, *(f"{ending}{_GZIP}" for ending, kind in _ENDINGS.items() if kind in _TEXT))


@dataclass(frozen=True)
class Kind:
    """`form` is one of CSV, TSV, JSON (one object a line), PARQUET, FEATHER; `gzipped`: its bytes are compressed."""

    form: str
    gzipped: bool

    @property
    def text(self) -> bool:
        """Whether its cells are text, as in a CSV."""
        return self.form in (CSV, TSV)

    def opened(self, raw: Any) -> Any:
        """The bytes of the table in the open file `raw`, for reading and seeking."""
        return gzip.GzipFile(fileobj=raw, mode="rb") if self.gzipped else raw


def ending(name: str) -> str:
    """The ending of a file's name that says its kind, such as `.csv.gz`; empty for any other name."""
    lower = name.lower()
    return max((suffix for suffix in ENDINGS if lower.endswith(suffix)), key=len, default="")


def of(name: str) -> Kind | None:
    """The kind of the file with this name; None for a name that says none."""
    suffix = ending(name)
    if not suffix:
        return None
    return Kind(_ENDINGS[suffix.removesuffix(_GZIP)], suffix.endswith(_GZIP))


def reading(command: str, name: object) -> str:
    """The line of a shell in which `command` reads the text of the file `name`, whether it is compressed or not."""
    kind = of(str(name))
    return f"gunzip -c {name} | {command}" if kind is not None and kind.gzipped else f"{command} {name}"
