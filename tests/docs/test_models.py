"""docs/models.md against the code it speaks of."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from artifact.signature import TASKS
from pipeline.params.decision import CALIBRATIONS, Calibration, Decide, Interval
from pipeline.params.metrics import CATALOGUE
from pipeline.params.params import Data
from pipeline.params.train import Train
from pipeline.training.components import _FUNCTIONS

PAGE = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")


def test_every_task_key_and_choice_is_there() -> None:
    """The page names each task, each key of the sections it tells about, and each kind of calibration."""
    first = set(re.findall(r"^\| `([\w.]+)`", PAGE, re.M))
    assert set(TASKS) <= first
    keys = {"calibration", "class_weight", "interval"} | {
        f"decision.{key}" for key in ("thresholds", "costs", "metric")
    }
    assert keys <= first
    assert {key.partition(".")[0] for key in keys} <= set(Train.model_fields)
    assert {"thresholds", "costs", "metric", "folds", "seed"} == set(Decide.model_fields)
    assert set(Calibration.model_fields) | set(Interval.model_fields) == {"method", "folds", "low", "high"}
    assert all(f"`{kind}`" in PAGE for kind in CALIBRATIONS)
    assert {"targets", "weight"} <= set(Data.model_fields)
    assert all(f"`{name}`" in PAGE for name in _FUNCTIONS if name != "pooling_func")


def test_the_example_is_read_as_it_stands() -> None:
    """The example has the keys of train that the page explains."""
    (block,) = re.findall(r"```yaml\n(train:.*?)```", PAGE, re.S)
    train = Train.model_validate(
        {"estimator": "sklearn.linear_model.LogisticRegression", **yaml.safe_load(block)["train"]}
    )
    assert (train.calibration and train.calibration.method) == "isotonic"
    assert (train.decision and train.decision.metric) == "f1"
    assert train.class_weight == {"no": 1, "yes": 5}


def test_every_metric_that_is_named_exists() -> None:
    """The section on metrics names metrics of the catalogue, under the names that params.yaml knows."""
    (section,) = re.findall(r"## Metrics\n(.*?)`evaluate.metrics` declares", PAGE, re.S)
    assert set(re.findall(r"`(\w+)`", section)) <= set(CATALOGUE)
