"""`python -m bench.explain`: what an explanation costs beside a prediction, in CPU time, by kind of model."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from artifact.command import run
from artifact.engines import boosted
from artifact.engines.engine import runner
from artifact.engines.table import GRAPH, MODEL, ONNX
from artifact.explanation.background import LINEAR, LOG_ODDS, PROBABILITY, TREES, Background
from artifact.explanation.explainer import Explainer
from artifact.signature import Feature, for_model
from artifact.validation.frame import columns
from pipeline.engine import conversion
from pipeline.shared import determinism

ROWS, FEATURES, TREES_OF_EACH = 5000, 20, 100
COUNTS = (1, 100)
REPEATS = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table: engine, CPU µs of a prediction and of an explanation, for one row and for a hundred."""
    argparse.ArgumentParser(prog="python -m bench.explain", description=__doc__).parse_args(argv)
    values, labels = make_classification(ROWS, FEATURES, n_informative=8, random_state=20)
    table = pd.DataFrame(values, columns=[f"f{place}" for place in range(FEATURES)])
    target = np.array(["no", "yes"], dtype=object)[labels]
    many: dict[str, Any] = {"n_estimators": TREES_OF_EACH, "random_state": 20}
    kinds: dict[str, tuple[Any, str, str]] = {
        "LogisticRegression": (LogisticRegression(), LINEAR, LOG_ODDS),
        "LGBMClassifier": (boosted.estimator("lightgbm.LGBMClassifier", many), TREES, LOG_ODDS),
        "XGBClassifier": (boosted.estimator("xgboost.XGBClassifier", many), TREES, LOG_ODDS),
        "RandomForestClassifier, depth 8": (RandomForestClassifier(max_depth=8, **many), TREES, PROBABILITY),
        "HistGradientBoostingClassifier": (HistGradientBoostingClassifier(random_state=20), TREES, LOG_ODDS),
    }
    print(f"{FEATURES} numbers, {TREES_OF_EACH} trees; CPU µs a call, the least of {REPEATS}")
    print(f"{'model':34} {'predicted by':12}" + "".join(f"{f'predict {n}':>13}{f'explain {n}':>13}" for n in COUNTS))
    for name, (estimator, method, scale) in kinds.items():
        model = Pipeline([("scale", StandardScaler()), ("estimator", estimator)]).fit(table, target)
        print(f"{name:34} {_costs(model, table, Background(method, scale, ('yes',)))}", flush=True)
    return 0


def _costs(model: Pipeline, table: pd.DataFrame, described: Background) -> str:
    inputs = tuple(Feature(name, "float64") for name in table.columns)
    signature = for_model("classification", inputs, Feature("y", "string"), model)
    graph = conversion.convert(model, signature)
    served = runner(ONNX, {MODEL: b"", GRAPH: graph}, signature)
    if described.method == LINEAR:
        means = model[:-1].transform(table).mean(axis=0)
        described = Background(described.method, described.scale, described.outputs, tuple(means.tolist()))
    explainer = Explainer(model, signature, described)
    times = []
    for count in COUNTS:
        some = columns(table.iloc[:count])
        times += [_cpu(partial(served.predict, some)), _cpu(partial(explainer.explain, some))]
    return f"{ONNX:12}" + "".join(f"{seconds * 1e6:13.0f}" for seconds in times)


def _cpu(call: Callable[[], Any]) -> float:
    """The least CPU seconds of this process for one call."""
    call()
    least = float("inf")
    for _ in range(REPEATS):
        begun = time.process_time()
        call()
        least = min(least, time.process_time() - begun)
    return least


if __name__ == "__main__":
    determinism.fix()
    run(main)
