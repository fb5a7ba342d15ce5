"""A column of the table as a feature, and as its entry of the schema in params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from artifact.signature import Feature
from pipeline.params.cells import Format
from starter import yaml_lines


@dataclass(frozen=True)
class Column:
    """A feature: its entry of the schema; its kind (numeric, flag, category, text, moment); its texts for a missing
    value; the format of its cells, and what a person should know of it, where there is something. `timed`: of moments,
    whether any is more than a day."""

    feature: Feature
    kind: str
    values: np.ndarray
    markers: tuple[str, ...] = ()
    format: Format | None = None
    note: str | None = None
    timed: bool = False

    def without_values(self) -> Column:
        """The same for a table that is larger than memory: of the values only what recipes ask for."""
        timed = self.kind == "moment" and any(len(value) > len("2024-01-31") for value in self.values if value)
        return replace(self, values=self.values[:0], timed=timed)


@dataclass(frozen=True)
class Left:
    """A column that stays out, and why."""

    name: str
    reason: str


def declared(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The entries of the schema, as params.yaml spells them."""
    entries = []
    for column in columns:
        entry = {key: value for key, value in column.feature.to_dict().items() if key != "name"}
        if not entry["nullable"]:
            del entry["nullable"]
        if column.format is not None:
            entry["format"] = column.format.to_dict()
        entries.append(entry)
    return entries


def line(column: Column) -> str:
    """The entry of the schema, as params.yaml spells it on one line."""
    return f"{yaml_lines.scalar(column.feature.name)}: {yaml_lines.flow(declared([column])[0])}"
