"""Stage train: one scikit-learn Pipeline, from the names in params.yaml, fitted on the training part."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.pipeline import Pipeline

from artifact.engines.quantile_interval import QuantileInterval
from artifact.engines.several_labels import SeveralLabels
from artifact.errors import ConfigurationError
from artifact.quantity import quantity
from features.texts import OneColumn
from pipeline.params.params import Params, load
from pipeline.params.train import Block
from pipeline.shared import best_parameters, decision_file, paths, tables
from pipeline.training import by_name, canonical_pickle, cluster, components, deciding, row_weights, seeds

_VECTORIZERS = (CountVectorizer, HashingVectorizer)  # the first is TfidfVectorizer's base
_LENGTH = 400  # characters of scikit-learn's words: some list every category of a column


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/model/: model.joblib, and how its labels are decided."""
    argparse.ArgumentParser(prog="python -m pipeline train", description=__doc__).parse_args(argv)
    params = best_parameters.read(load())
    model = complete(params)
    frame, target = tables.read(paths.TRAIN, params)
    weights = row_weights.of(params, target, tables.weights(paths.TRAIN, params))
    supervised = params.model.task != "outliers"
    fitted = fit(model, frame, target, cluster.address(), supervised=supervised, weights=weights)
    decided = deciding.decided(params, fitted, frame, target)
    paths.MODEL.parent.mkdir(parents=True, exist_ok=True)
    canonical_pickle.dump(fitted, paths.MODEL)
    decision_file.write(decided)
    size = f"{quantity(len(frame), 'row')} of {quantity(frame.shape[1], 'feature')}"
    print(f"{params.train.estimator} fitted on {size}: {paths.MODEL}")


def complete(params: Params) -> Pipeline:
    """As `build`, with the calibration or the interval that params.yaml asks for around the estimator."""
    model = build(params)
    estimator, calibration, interval = model.steps[-1][1], params.train.calibration, params.train.interval
    if calibration is not None:
        estimator = CalibratedClassifierCV(estimator, method=calibration.method, cv=calibration.folds, ensemble=False)
    if interval is not None:
        estimator = QuantileInterval(estimator, (interval.low, interval.high))
    return Pipeline([*model.steps[:-1], ("estimator", estimator)])


def build(params: Params) -> Pipeline:
    """The unfitted Pipeline of params.yaml.

    ConfigurationError (10) for names, parameters or an estimator that do not fit; RetrainRefused (42) for an unseeded
    part; ForbiddenTypeError (21) for a type, or a value of a parameter, that no predictor would load.
    """
    estimator = components.build(params.train.estimator, params.train.parameters, "train.estimator")
    _check_task(estimator, params)
    seeds.refuse_unseeded(estimator, "train.parameters")
    if params.model.task == "multioutput":
        estimator = SeveralLabels(estimator)
    steps: list[tuple[str, Any]] = [("estimator", estimator)]
    if params.train.preprocessing:
        steps.insert(0, ("preprocessing", _preprocessing(params.train.preprocessing)))
    model = Pipeline(steps)
    canonical_pickle.refuse_unknown_types(model)
    return model


def fit(
    model: Pipeline,
    frame: pd.DataFrame,
    target: np.ndarray,
    scheduler: str | None = None,
    alone: bool = True,
    supervised: bool = True,
    weights: np.ndarray | None = None,
) -> Pipeline:
    """A fitted copy of `model`; `frame` is [rows, features], `target` [rows]; parts on the cluster of `scheduler`.

    Where it is not `supervised`, the estimator is not shown the target. `weights`, [rows]: how much each row counts.

    Unseeded random numbers are looked for only where no other fit runs in this process (`alone`) and no cluster does
    the work: others draw random numbers as well.

    ConfigurationError (10) with scikit-learn's own words where the parameters do not fit the data; RetrainRefused (42)
    where something draws random numbers that nothing seeds.
    """
    bare, workers = components.without_n_jobs(model)
    try:
        labels = target if supervised else None
        bare = by_name.resolved(bare, frame, labels)
        watched = seeds.refuse_chance() if alone and scheduler is None else nullcontext()
        with cluster.parallel(scheduler, "threading", workers or 1), watched:
            return bare.fit(frame, labels, **row_weights.as_parameter(bare, weights))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"training fails: {type(error).__name__}: {error!s:.{_LENGTH}}; correct train in params.yaml "
            f"({_remedy(str(error))})"
        ) from error


def _remedy(problem: str) -> str:
    if "dense data is required" in problem:
        return "a OneHotEncoder needs sparse_output: false, text that is counted an estimator that takes sparse data"
    return "a text needs an encoder, a missing value an imputer or an estimator that takes it"


_MADE_FOR = {
    "classification": is_classifier,
    "regression": is_regressor,
    "multilabel": is_classifier,
    "multioutput": is_classifier,
    "outliers": is_outlier_detector,
}


def _check_task(estimator: Any, params: Params) -> None:
    name, task = params.train.estimator, params.model.task
    if is_clusterer(estimator) or (not hasattr(estimator, "predict") and hasattr(estimator, "transform")):
        purpose = "groups rows" if is_clusterer(estimator) else "transforms columns"
        raise ConfigurationError(
            f"params.yaml: train.estimator {name} {purpose} and predicts no target, so that nothing could be judged or "
            "served; use it as a step of train.preprocessing where it transforms, or an estimator that predicts"
        )
    if not _MADE_FOR[task](estimator):
        raise ConfigurationError(
            f"params.yaml: train.estimator {name} is made for no {task}; use one that is, or correct model.task"
        )
    if task == "outliers" and not hasattr(estimator, "decision_function"):
        raise ConfigurationError(
            f"params.yaml: train.estimator {name} judges only the rows that it was fitted on; set its parameter "
            "novelty: true"
        )


def _preprocessing(blocks: Mapping[str, Block]) -> ColumnTransformer:
    return ColumnTransformer([(name, _steps(name, block), list(block.columns)) for name, block in blocks.items()])


def _steps(name: str, block: Block) -> Any:
    steps: list[tuple[str, Any]] = []
    for index, step in enumerate(block.steps):
        setting = f"train.preprocessing.{name}.steps[{index}]"
        component = components.build(step.component, step.parameters, setting)
        if not hasattr(component, "fit") or not hasattr(component, "transform"):
            raise ConfigurationError(f"params.yaml: {setting}: {step.component} transforms nothing; use a transformer")
        seeds.refuse_unseeded(component, setting)
        if isinstance(component, _VECTORIZERS):
            if len(block.columns) > 1:
                raise ConfigurationError(
                    f"params.yaml: {setting}: {step.component} reads one column of text, and the block {name!r} has "
                    f"{len(block.columns)}; give each a block of its own"
                )
            steps.append((f"text{index + 1}", OneColumn()))
        steps.append((f"step{index + 1}", component))
    return Pipeline(steps) if steps else "passthrough"
