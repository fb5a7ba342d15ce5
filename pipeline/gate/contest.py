"""Compares the challenger with the champion: whether that is possible, and which of them is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from artifact import golden, load
from artifact.errors import IncompatibleError, InvalidRequest
from artifact.load import Loaded, Verified
from artifact.prediction import Columns, Prediction, lots, rows, together
from artifact.validation.validator import Validator
from pipeline.gate import outcomes
from pipeline.gate.champion import Champion, training_rows_of
from pipeline.gate.comparison import Answers, compare
from pipeline.gate.holdout import comparable
from pipeline.gate.replay import replayed
from pipeline.gate.rules import Rule
from pipeline.gate.signatures import difference
from pipeline.params.params import Params
from pipeline.shared import classes, paths, tables
from pipeline.shared.stored_columns import SomeRows


@dataclass(frozen=True)
class ContestResult:
    """`outcome` and its `words` hold where every one of `rules` does."""

    outcome: str
    words: list[str]
    rules: list[Rule]
    comparison: dict[str, Any] | None = None


class _Refused(Exception):
    """The champion refuses a held-out row."""


@dataclass(frozen=True)
class Opponent:
    """The verified champion; `loaded` is None where it cannot run here, for the reason `unable`."""

    params: Params
    champion: Champion
    challenger: Loaded
    verified: Verified
    loaded: Loaded | None
    unable: str = field(default="")

    @classmethod
    def of(cls, params: Params, champion: Champion, challenger: Loaded) -> Self:
        """Verify and load the artifact in build/champion; IntegrityError (20) where it is not what Git names."""
        verified = champion.verify()
        try:
            return cls(params, champion, challenger, verified, load.deserialise(verified))
        except IncompatibleError as error:
            return cls(params, champion, challenger, verified, None, f"the champion does not run here: {error}")

    def judge(self, holdout: Columns, target: np.ndarray, hashes: np.ndarray, twins_apart: bool) -> ContestResult:
        """Compare on the rows of the holdout that the champion was not trained on; on all rows where `twins_apart`."""
        if self.loaded is None:
            return self._incomparable(self.unable)
        changed = difference(self.loaded.signature, self.challenger.signature)
        if changed:
            return self._incomparable(f"the signature changed: {changed}")
        fewest = self.params.gate.champion.rows
        new = comparable(hashes, training_rows_of(self.verified.files), self._same_split(), fewest, twins_apart)
        numbers = {"rows": len(new.rows), "trained": new.trained, "unknown": new.unknown}
        if new.reason is not None:
            return self._incomparable(new.reason, numbers)
        weights = tables.weights(paths.TEST, self.params)
        target = target[new.rows]
        table = holdout if len(new.rows) == len(hashes) else SomeRows(holdout, new.rows)
        try:
            before, now = self._answers(self.loaded, table)
        except _Refused as error:
            return self._incomparable(f"the champion refuses a held-out row: {error}", numbers)
        comparison = compare(
            self.params,
            table,
            target,
            Answers(before, now, classes.of(self.challenger.signature)),
            None if weights is None else weights[new.rows],
        )
        words = "" if len(target) == len(hashes) else f"{len(target)} of {len(hashes)} held-out rows are new to both"
        first = Rule(
            "holdout.champion", outcomes.INCOMPARABLE, True, words or "all held-out rows are new to both", numbers
        )
        result = _on_difference(comparison, [first])
        return ContestResult(
            result.outcome,
            result.words,
            result.rules,
            {**comparison, "holdout": numbers, "golden": replayed(self.loaded, self.challenger)},
        )

    def _incomparable(self, reason: str, numbers: Mapping[str, Any] | None = None) -> ContestResult:
        allowed = self.params.gate.champion.replaces == self.champion.digest
        words = f"{reason}; " + (
            "gate.champion.replaces in params.yaml lets it be replaced without a comparison"
            if allowed
            else f"to replace it without a comparison, set gate.champion.replaces: {self.champion.digest}"
        )
        rule = Rule("comparison", outcomes.INCOMPARABLE, allowed, words, dict(numbers or {}))
        return ContestResult(outcomes.INCOMPARABLE, [words], [rule])

    def _same_split(self) -> bool:
        before, now = self.verified.manifest, self.challenger.manifest
        return before.data_digest == now.data_digest and before.parameters.get("split") == now.parameters.get("split")

    def _answers(self, champion: Loaded, table: Columns) -> tuple[Prediction, Prediction]:
        """The answers of both models, computed a lot of rows at a time."""
        before, now, first = [], [], 0
        for lot in lots(table):
            accepted = lot
            if champion.signature.inputs != self.challenger.signature.inputs:
                try:
                    accepted = Validator(champion.signature).columns(golden.to_json(self.challenger.signature, lot))
                except InvalidRequest as error:
                    raise _Refused(f"{error}" + (f", counted from row {first}" if first else "")) from error
            before.append(champion.runner.predict(accepted))
            now.append(self.challenger.runner.predict(lot))
            first += rows(lot)
        return together(before), together(now)


def _lead(value: float) -> str:
    """How much better the challenger is, in words that fit the sign."""
    return f"{'worse' if value < 0 else 'better'} by {abs(value):.3g}"


def _on_difference(comparison: Mapping[str, Any], rules: list[Rule]) -> ContestResult:
    metric, margin = comparison["metric"], comparison["margin"]
    difference = comparison["differences"][metric]
    value, low, high = difference["value"], difference["low"], difference["high"]
    if value is None or low is None:
        words = f"{metric} is not defined on the {comparison['rows']} rows compared"
        return ContestResult(outcomes.EQUIVALENT, [words], [*rules, Rule(metric, outcomes.WORSE, False, words)])
    sides = [comparison[side][metric]["value"] for side in ("champion", "challenger")]
    words = (
        f"{metric} {sides[1]:.4g}, the champion's {sides[0]:.4g}: {_lead(value)} "
        f"({comparison['confidence']:.0%} interval {low:.3g} to {high:.3g}, {comparison['rows']} rows)"
    )
    holds = low >= -margin
    if not holds:
        certain = "it is worse" if high < 0 else "it may be worse"
        words += f"; {certain} by more than the margin {margin:g}"
    numbers = {"metric": metric, "value": value, "low": low, "high": high, "margin": margin, "rows": comparison["rows"]}
    rules = [*rules, Rule("comparison", outcomes.WORSE, holds, words, numbers)]
    worse = [part for part in comparison["slices"] if part["worse"]]
    slice_words = "; ".join(
        f"on the slice {part['name']!r} ({part['rows']} rows) {part['loss']} is {part['challenger']:.3g}, the "
        f"champion's {part['champion']:.3g}: worse by at least {-part['difference']['high']:.3g}, allowed are "
        f"{comparison['slice_margin']:g}"
        for part in worse[:3]
    )
    count = len(comparison["slices"])
    rules.append(
        Rule(
            "slices",
            outcomes.WORSE_ON_A_SLICE,
            not worse,
            slice_words or f"on none of {count} slices certainly worse",
            {"slices": count, "worse": len(worse), "margin": comparison["slice_margin"]},
        )
    )
    return ContestResult(outcomes.BETTER if low > 0 else outcomes.EQUIVALENT, [words], rules)
