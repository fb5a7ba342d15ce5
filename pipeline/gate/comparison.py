"""Champion and challenger on the same held-out rows: each metric of both, and the difference with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact.prediction import Columns, Prediction
from pipeline.evaluation import bootstrap, calibration, paired, slices, weighing
from pipeline.params import metrics
from pipeline.params.measures import Metric
from pipeline.params.params import Params

_SIDES = ("champion", "challenger")


@dataclass(frozen=True)
class Answers:
    """What both models say of the same rows; `classes` are those of either, empty for a regression."""

    champion: Prediction
    challenger: Prediction
    classes: np.ndarray


def compare(
    params: Params, holdout: Columns, target: np.ndarray, answers: Answers, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """The comparison on the rows of `holdout`, as JSON; `weights` say how much each counts, [rows].

    A difference is positive where the challenger is better, whatever the metric. `metric`, `margin` and `slice_margin`
    are those of the rules; a slice is `worse` when even the favourable end of its interval lies beyond its margin, all
    slices together at the confidence of evaluate.bootstrap.
    """
    task = params.model.task
    ranked = answers.challenger.probabilities is not None
    metric, margin, slice_margin = params.gate.champion.compared(task, ranked, params.catalogue)
    intervals = _intervals(params, target, answers, weights)
    return {
        "metric": metric,
        "margin": margin,
        "slice_margin": slice_margin,
        "confidence": params.evaluate.bootstrap.confidence,
        "rows": len(target),
        **intervals,
        "slices": _slices(params, metric, slice_margin, holdout, target, answers),
        "calibration": {
            side: calibration.curve(task, target, getattr(answers, side), answers.classes) for side in _SIDES
        },
    }


def _intervals(
    params: Params, target: np.ndarray, answers: Answers, weights: np.ndarray | None
) -> dict[str, dict[str, Any]]:
    catalogue = params.catalogue

    def measures(rows: np.ndarray) -> Mapping[str, Metric]:
        both = {
            side: _measured(params, target[rows], getattr(answers, side).take(rows), answers.classes) for side in _SIDES
        }
        each = {f"{side} {name}": measure for side in _SIDES for name, measure in both[side].items()}
        before, now = both["champion"], both["challenger"]
        for name in before.keys() & now.keys():
            each[f"difference {name}"] = paired.difference(catalogue[name], before[name], now[name])
        return each

    flat = bootstrap.intervals(weighing.weighed(measures, weights), len(target), params.evaluate.bootstrap)
    return {
        f"{side}s" if side == "difference" else side: {
            name.partition(" ")[2]: value for name, value in sorted(flat.items()) if name.startswith(f"{side} ")
        }
        for side in (*_SIDES, "difference")
    }


def _measured(params: Params, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> dict[str, Metric]:
    """The metrics, each with its last result cached: a difference computes the same two again."""
    measures = metrics.measures(params.model.task, target, prediction, classes, params.catalogue)
    return {name: paired.remembering(measure) for name, measure in measures.items()}


def _slices(
    params: Params, metric: str, margin: float, holdout: Columns, target: np.ndarray, answers: Answers
) -> list[dict[str, Any]]:
    """Each slice with the means of both models' losses and the difference, the worst for the challenger first."""
    task = params.model.task
    loss, before = metrics.losses(metric, task, target, answers.champion, answers.classes, params.catalogue)
    _, now = metrics.losses(metric, task, target, answers.challenger, answers.classes, params.catalogue)
    better = before - now
    answer = (params.target.name, target) if task == "classification" else None
    entries: list[dict[str, Any]] = []
    means: list[slices.Mean] = []
    for part in slices.of(holdout, answer, -better, params.evaluate.slices):
        champion, challenger = float(before[part.mask].mean()), float(now[part.mask].mean())
        # A difference of squared errors, brought to the unit of their root: (a² − b²) / (a + b) = a − b.
        unit = (np.sqrt(champion) + np.sqrt(challenger)) or 1.0 if loss.root else 1.0
        means.append(slices.Mean.of(better[part.mask] / unit))
        entries.append(
            {
                "name": part.name,
                "origin": part.origin,
                "rows": means[-1].rows,
                "loss": loss.name,
                "champion": champion,
                "challenger": challenger,
            }
        )
    for entry, mean in zip(entries, means, strict=True):
        low, high = mean.interval(params.evaluate.bootstrap.confidence, len(entries))
        entry |= {"difference": {"value": mean.value, "low": low, "high": high}, "worse": high < -margin}
    return sorted(entries, key=lambda entry: (entry["difference"]["value"], entry["name"]))
