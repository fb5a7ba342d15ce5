"""Stage evaluate: metrics with bootstrap intervals, slices, calibration, behaviour, on rows that training never saw.

All answers are those of the engine that stage convert chose, through the code that serves it.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from artifact import signature
from artifact.prediction import Columns, Prediction
from artifact.signature import label_text
from artifact.unpickling import unpickle
from pipeline.engine.choice import Choice
from pipeline.evaluation import behaviour, bootstrap, calibration, guessing, held_out, importance, slices, weighing
from pipeline.params import metrics
from pipeline.params.measures import Metric
from pipeline.params.params import Params, load
from pipeline.pictures import plots
from pipeline.shared import classes as known_classes
from pipeline.shared import decision_file, json_file, paths, tables
from pipeline.shared.stored_columns import StoredColumns


def main(argv: Sequence[str] | None = None) -> None:
    """Write reports/metrics.json, guessing.json, slices.json, calibration.json, behaviour.json and plots/ there."""
    argparse.ArgumentParser(prog="python -m pipeline evaluate", description=__doc__).parse_args(argv)
    params = load()
    data = paths.MODEL.read_bytes()
    model = unpickle.loads(data)
    holdout, target = StoredColumns(paths.TEST, params), tables.read_target(paths.TEST, params)
    described = signature.for_model(params.model.task, params.features, params.targets, model)
    runner = Choice.read(data).runner(data, described, decision_file.read(described))
    prediction = held_out.answers(runner, holdout)
    classes = known_classes.of(described)

    catalogue = params.catalogue
    guesses = guessing.predictions(params.model.task, json_file.read(paths.PREPARED)["target"], classes, len(target))

    def measures(rows: np.ndarray) -> Mapping[str, Metric]:
        task, truth = params.model.task, target[rows]
        each = {id(guess): metrics.measures(task, truth, guess.take(rows), classes) for guess in guesses.values()}
        guessed = {name: each[id(guess)][name] for name, guess in guesses.items()}
        return guessing.compared(metrics.measures(task, truth, prediction.take(rows), classes, catalogue), guessed)

    weighed = weighing.weighed(measures, tables.weights(paths.TEST, params))
    measured, better = guessing.separated(bootstrap.intervals(weighed, len(target), params.evaluate.bootstrap))
    json_file.write(paths.METRICS, {"rows": len(target), **measured})
    json_file.write(paths.GUESSING, {"rows": len(target), "better_by": better})
    json_file.write(paths.SLICES, sliced(params, holdout, target, prediction, classes))
    curve = calibration.curve(params.model.task, target, prediction, classes)
    json_file.write(paths.CALIBRATION, {"task": params.model.task, "bins": curve})
    checks = behaviour.run(params.evaluate.behaviour, described, runner, holdout)
    json_file.write(paths.BEHAVIOUR, checks)

    shutil.rmtree(paths.PLOTS, ignore_errors=True)
    paths.PLOTS.mkdir(parents=True)
    if params.model.task == "regression":
        plots.residuals(paths.PLOTS, target.ravel(), prediction.values.ravel())
    elif params.model.task == "multioutput":
        labels_of = [_with_targets(params, labels) for labels in (target, prediction.values)]
        plots.confusion(paths.PLOTS, np.unique(labels_of), *labels_of)
    else:
        names = classes if params.model.task == "classification" else np.array([False, True])
        plots.confusion(paths.PLOTS, names, target.ravel(), prediction.values.ravel())
    plots.reliability(paths.PLOTS, params.model.task, {"challenger": curve})
    mean, spread = importance.of(params.model.task, model, runner, holdout, target, params.evaluate.bootstrap.seed)
    plots.importance(paths.PLOTS, described.names, mean, spread, _scoring(params))
    for name, value in measured.items():
        print(f"{name}: {_interval(value)}")
    for check in checks:
        print(f"{'held' if check['passed'] else 'broken'}: {check['check']} ({check['broke']} of {check['rows']} rows)")


def sliced(
    params: Params, holdout: Columns, target: np.ndarray, prediction: Prediction, classes: np.ndarray
) -> dict[str, Any]:
    """Each slice's loss beside that of all rows, the worst first; `worse` where that cannot be chance.

    All intervals hold together with the confidence of evaluate.bootstrap, however many slices there are.
    """
    task = params.model.task
    metric = metrics.default(task, prediction.probabilities is not None)
    loss, losses = metrics.losses(metric, task, target, prediction, classes)
    answer = (params.target.name, target) if task == "classification" else None
    means = {  # the mask of a slice goes before the next is made
        (part.name, part.origin): slices.Mean.of(losses[part.mask])
        for part in slices.of(holdout, answer, losses, params.evaluate.slices)
    }
    overall = float(losses.mean())
    entries: list[dict[str, Any]] = []
    for (name, origin), mean in means.items():
        low, high = mean.interval(params.evaluate.bootstrap.confidence, len(means))
        entry = {"name": name, "origin": origin, "rows": mean.rows}
        entries.append({**entry, "value": mean.value, "low": low, "high": high, "worse": low > overall})
    entries.sort(key=lambda entry: (-entry["value"], entry["name"]))
    return {"loss": loss.name, "overall": overall, "rows": params.evaluate.slices.rows, "slices": entries}


def _with_targets(params: Params, labels: np.ndarray) -> np.ndarray:
    """`labels`, [rows, targets], as texts that name their target, one behind the other."""
    names = [target.name for target in params.targets]
    return np.array(
        [f"{name}={label_text(label)}" for row in labels.tolist() for name, label in zip(names, row, strict=True)]
    )


def _scoring(params: Params) -> str:
    return "r2" if params.model.task == "regression" else "accuracy"


def _interval(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return "not defined on this holdout"
    return (
        f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
        if value["low"] is not None
        else f"{value['value']:.4f}"
    )
