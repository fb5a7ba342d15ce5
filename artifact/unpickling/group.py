"""A group of names that a pickle may use, with the reason: what the lists of this room are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Group:
    """Names of like kind: `names` maps a module to its names, separated by spaces; `takes` are `module.name`s."""

    reason: str
    names: Mapping[str, str]
    takes: tuple[str, ...] = field(default=())

    def pairs(self) -> list[tuple[str, str]]:
        """Each (module, name)."""
        return [(module, name) for module, names in self.names.items() for name in names.split()]
