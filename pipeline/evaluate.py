"""Stage evaluate: metrics with bootstrap intervals and plots, on rows that training never saw."""

from __future__ import annotations

if __name__ == "__main__":
    from pipeline import determinism

    determinism.fix()

import argparse
import json
import shutil
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from artifact import signature
from artifact.command import run
from artifact.frame import columns
from artifact.sklearn_engine import SklearnRunner
from pipeline import bootstrap, metrics, paths, plots, prepared
from pipeline.params import Params, load

REPEATS = 5
ROWS = 2000  # of the holdout for each shuffle: enough to rank features, whatever its size


def main(argv: Sequence[str] | None = None) -> None:
    """Write reports/metrics.json and reports/plots/."""
    argparse.ArgumentParser(prog="python -m pipeline.evaluate", description=__doc__).parse_args(argv)
    params = load()
    model = joblib.load(paths.MODEL)
    frame, target = prepared.read(paths.TEST, params)
    described = signature.for_model(params.model.task, params.features, params.target, model)
    prediction = SklearnRunner(model, described).predict(columns(frame))
    classes = np.asarray(model.classes_) if params.model.task == "classification" else np.empty(0)
    measures = metrics.measures(params.model.task, target, prediction, classes)
    found = bootstrap.intervals(measures, len(target), params.bootstrap)
    paths.METRICS.parent.mkdir(parents=True, exist_ok=True)
    paths.METRICS.write_text(json.dumps({"rows": len(target), **found}, indent=2) + "\n", encoding="utf-8")

    shutil.rmtree(paths.PLOTS, ignore_errors=True)
    paths.PLOTS.mkdir(parents=True)
    if params.model.task == "classification":
        plots.confusion(paths.PLOTS, classes, target, prediction.values)
    else:
        plots.residuals(paths.PLOTS, target, prediction.values)
    mean, spread = _importance(params, model, frame, target)
    plots.importance(paths.PLOTS, described.names, mean, spread, _scoring(params))
    for name, value in found.items():
        print(f"{name}: {_interval(value)}")


def _importance(params: Params, model: Any, frame: pd.DataFrame, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the fall of the score, [features] each (Breiman, Random Forests, 2001)."""
    found = permutation_importance(
        model,
        frame,
        target,
        scoring=_scoring(params),
        n_repeats=REPEATS,
        random_state=params.bootstrap.seed,
        max_samples=min(ROWS, len(frame)),
    )
    return found.importances_mean, found.importances_std


def _scoring(params: Params) -> str:
    return "accuracy" if params.model.task == "classification" else "r2"


def _interval(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return "not defined on this holdout"
    return (
        f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
        if value["low"] is not None
        else f"{value['value']:.4f}"
    )


if __name__ == "__main__":
    run(main)
