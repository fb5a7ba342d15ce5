"""Changes that are decided one after the other, each from what those before it made, and pushed as one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from release.git.branch import Branch, Change
from release.git.tip import Tip


@dataclass
class Batch:
    """Stands in for the branch of a command: its change is kept here, nothing is pushed.

    `before`: what each command of the batch decided from, by its number, in the first round; a branch that moved in
    between begins a second one.
    """

    tip: Tip
    before: dict[int, list[Any]] = field(default_factory=dict)
    number: int = 0
    files: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def rounds(self) -> list[Any]:
        """What the command at hand decided from in each round, oldest first; to be added to."""
        return self.before.setdefault(self.number, [])

    def keep(self, decide: Callable[[Tip], Change | None]) -> None:
        """Add what `decide` makes of the tip, if it wants a change; later commands read it as if it were committed."""
        change = decide(self.tip)
        if change is not None:
            self.tip.write(change.files)
            self.files.update(change.files)
            self.messages.append(change.message)


AnyBranch = Branch | Batch
