"""How far an engine agrees with scikit-learn, as `pipeline.engine.equality` found it and the report says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from artifact.prediction import PROBABILITIES
from artifact.tolerance import LABELS


@dataclass(frozen=True)
class Agreement:
    """What was compared, and what came of it.

    `rows`: how many of each kind there were (`pipeline.engine.probes`). `compared`: both engines gave a finite answer.
    `unanswered`: scikit-learn gave one and the engine did not. `neither`: neither did. `differences`: for each output
    the largest difference on the compared rows: of labels, how many differ; of probabilities, the absolute one; of a
    regression, that relative to the answer, or to the mean size of answers where that is larger. `problem`: why this
    proves nothing; None for a proof.
    """

    rows: Mapping[str, int]
    training: int
    splits: tuple[int, int]
    compared: int
    unanswered: int
    neither: int
    differences: Mapping[str, float]
    problem: str | None

    def in_words(self) -> str:
        """What was compared and how much it differs, for the log of `convert` and for the report."""
        say = {
            **dict.fromkeys(LABELS, "{:.0f} labels differ from scikit-learn's"),
            PROBABILITIES: "probabilities differ by at most {:.1e}",
            "prediction": "answers differ from scikit-learn's by at most {:.1e} of their size",
            **{name: f"{name} by {{:.1e}}" for name in ("lower", "upper", "score")},
        }
        differ = ", ".join(say[name].format(value) for name, value in self.differences.items())
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.rows.items())
        return (
            f"{differ}, on {self.compared} rows that both answer; {self.unanswered} rows that scikit-learn answers are "
            f"unanswered, {self.neither} neither answers; tried were {kinds} ({self.rows['training']} of "
            f"{self.training} training rows, {self.splits[0]} of {self.splits[1]} splits of trees)"
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in build/engine/proof.json."""
        return {
            "rows": dict(self.rows),
            "training": self.training,
            "splits": list(self.splits),
            "compared": self.compared,
            "unanswered": self.unanswered,
            "neither": self.neither,
            "differences": dict(self.differences),
            "problem": self.problem,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """From the JSON form."""
        tried, present = value["splits"]
        return cls(**{**value, "splits": (tried, present)})
