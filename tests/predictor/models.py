"""Five small models that between them have every kind of column, label and answer, packaged as real artifacts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from artifact import save
from artifact.decision import Decision
from artifact.digest import of_bytes
from artifact.explanation.background import FILE
from artifact.signature import Feature, Signature, for_model
from artifact.validation.frame import columns as columns_of
from artifact.validation.frame import of as frame_of
from features.calendar import CalendarFeatures
from pipeline.packaging.explaining import background_of
from pipeline.training import canonical_pickle
from predictor.settings import Source


def release(model: str) -> str:
    """A name that Git may give `model` with its image: what the tests set as MODEL_RELEASE."""
    return f"{model}-0123abcd"


@dataclass(frozen=True)
class Packaged:
    """A model as it was trained (`pipeline`), as it was packaged (`directory`, `digest`), and rows to ask it about."""

    name: str
    pipeline: Pipeline
    signature: Signature
    directory: Path
    digest: str
    rows: dict[str, list[Any]]  # feature → values as JSON has them

    @property
    def release(self) -> str:
        """Name that Git gives it with its image."""
        return release(self.name)

    @property
    def source(self) -> Source:
        """Where a predictor finds it, and what it must be."""
        return Source(self.directory, self.name, self.digest, allow_unpinned=False)


def package(
    directory: Path,
    name: str,
    schema: dict[str, dict[str, Any]],
    columns: dict[str, list[Any]],
    target: Feature,
    labels: Any,
    steps: tuple[BaseEstimator, ...],
    modules: tuple[str, ...] = (),
    decision: Decision | None = None,
    explain: bool = False,
) -> Packaged:
    """Fit `steps` on `columns` and save the artifact; the rows to ask about are a few of `columns`."""
    task = "regression" if target.dtype == "float64" else "classification"
    inputs = tuple(Feature.from_dict(column, declared) for column, declared in schema.items())
    frame = frame_of(Signature(task, inputs, ()), columns)
    pipeline = make_pipeline(*steps).fit(frame, labels)
    signature = for_model(task, inputs, target, pipeline)
    table = columns_of(frame)
    digest = save.save(
        directory,
        name=name,
        model=canonical_pickle.dumps(pipeline),
        signature=signature,
        train=table,
        holdout=table,
        target=None if task == "regression" else np.asarray(labels),
        golden_rows=8,
        decision=decision,
        data_digest=of_bytes(name.encode()),
        parameters={"steps": [str(step) for step in steps]},
        metrics={"score": float(pipeline.score(frame, labels))},
        modules=modules,
        beside={FILE: background_of(pipeline, signature, table, table).to_bytes()} if explain else None,
    )
    rows = {column: list(values[::7]) for column, values in columns.items()}
    return Packaged(name, pipeline, signature, directory, digest, rows)


def iris(directory: Path, explain: bool = False) -> Packaged:
    """Four float64 columns within declared ranges, text labels, probabilities: one wide tensor can carry it."""
    data = load_iris(as_frame=True)
    schema = {column: {"dtype": "float64", "range": [0, 100]} for column in data.data}
    columns = {column: data.data[column].tolist() for column in data.data}
    labels = np.asarray(data.target_names, dtype=object)[data.target.to_numpy()]
    steps = (StandardScaler(), LogisticRegression())
    target = Feature("species", "string")
    return package(directory, "iris", schema, columns, target, labels, steps, explain=explain)


def people(directory: Path) -> Packaged:
    """Every dtype at once, missing values wherever they may be, a text column that is open and one that is not."""
    random = np.random.default_rng(20)
    count = 120
    schema = {
        "größe (cm)": {"dtype": "float64", "nullable": True},
        "rooms": {"dtype": "int64", "range": [0, 50]},
        "smoker": {"dtype": "bool", "nullable": True},
        "city": {"dtype": "string", "nullable": True},
        "grade": {"dtype": "string", "categories": ["a", "b", "ç"]},
    }
    columns = {
        "größe (cm)": random.normal(170, 9, count).tolist(),
        "rooms": random.integers(1, 9, count).tolist(),
        "smoker": (random.random(count) < 0.4).tolist(),
        "city": random.choice(["Åbo", "Bonn", "東京"], count).tolist(),
        "grade": random.choice(["a", "b", "ç"], count).tolist(),
    }
    labels = np.array(columns["rooms"]) * 10 + np.array(columns["smoker"]) * 15 > 45
    for column, at in (("größe (cm)", 0), ("smoker", 7), ("city", 14)):
        columns[column][at::28] = [None] * len(columns[column][at::28])
    transform = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["größe (cm)", "rooms"]),
            ("flags", SimpleImputer(strategy="most_frequent"), ["smoker"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["city", "grade"]),
        ]
    )
    steps = (transform, RandomForestClassifier(n_estimators=9, max_depth=4, random_state=20))
    return package(directory, "people", schema, columns, Feature("busy", "bool"), labels, steps)


def counts(directory: Path) -> Packaged:
    """Whole numbers in, whole numbers out, and no predict_proba."""
    random = np.random.default_rng(21)
    columns = {name: random.integers(-50, 50, 90).tolist() for name in ("left", "right")}
    labels = np.select([np.array(columns["left"]) < -10, np.array(columns["right"]) < 0], [-1, 3], 7)
    schema = {name: {"dtype": "int64"} for name in columns}
    return package(directory, "counts", schema, columns, Feature("kind", "int64"), labels, (RidgeClassifier(),))


def prices(directory: Path) -> Packaged:
    """A regression with missing values and with a date that a transformer of features/ takes apart."""
    random = np.random.default_rng(22)
    days = pd.date_range("2023-01-01", periods=100, freq="37h")
    columns = {
        "sold at": [day.isoformat() for day in days],
        "area": random.uniform(20, 200, 100).tolist(),
        "floor": random.integers(0, 9, 100).tolist(),
    }
    answers = np.array(columns["area"]) * 1000 + days.month.to_numpy() * 77.7
    columns["area"][7::14] = [None] * len(columns["area"][7::14])
    columns["sold at"][14::28] = [None] * len(columns["sold at"][14::28])
    schema = {
        "sold at": {"dtype": "string", "nullable": True},
        "area": {"dtype": "float64", "nullable": True},
        "floor": {"dtype": "int64"},
    }
    transform = ColumnTransformer(
        [
            ("date", make_pipeline(CalendarFeatures(("month", "hour"), cyclic=True), SimpleImputer()), ["sold at"]),
            ("rest", SimpleImputer(add_indicator=True), ["area", "floor"]),
        ]
    )
    steps = (transform, GradientBoostingRegressor(n_estimators=20, random_state=22))
    target = Feature("price", "float64")
    return package(directory, "prices", schema, columns, target, answers, steps, ("features.calendar",))


def echo(directory: Path) -> Packaged:
    """The answer is the one number asked, to the bit: what a protocol loses on the way shows."""
    model = LinearRegression().fit(pd.DataFrame({"x": [0.0, 1.0]}), [0.0, 1.0])
    model.coef_, model.intercept_ = np.array([1.0]), 0.0
    schema = {"x": {"dtype": "float64"}}
    columns = {"x": [0.5, 1.5] * 8}
    return package(directory, "echo", schema, columns, Feature("y", "float64"), columns["x"], (FrozenEstimator(model),))


def keepsake(directory: Path) -> Packaged:
    """A classifier of a few KB with columns of every type and a decision, for tests/artifact/formats/."""
    columns = {
        "sold at": ["2026-03-29T01:30:00+01:00", "2026-03-29 12:00:00", None, *["2026-04-01T00:00:00.25Z"] * 3],
        "built": ["1999-12-31", "2001-02-03", "2020-02-29", "1999-12-31", "2001-02-03", "2020-02-29"],
        "floors": [1, None, 3, 2, 1, 3],
        "size": [1.5, None, 3.5, 4.5, 2.5, 5.5],
        "rooms": [1, 2, 3, 4, 5, 6],
        "smoker": [True, False, None, True, False, True],
        "city": ["Bonn", None, "東京", "Bonn", "東京", "Åbo"],
    }
    schema = {
        "size": {"dtype": "float64", "nullable": True, "range": [0, None]},
        "rooms": {"dtype": "int64", "categories": [1, 2, 3, 4, 5, 6]},
        "smoker": {"dtype": "bool", "nullable": True},
        "city": {"dtype": "string", "nullable": True},
        "sold at": {"dtype": "datetime", "nullable": True, "zone": "Europe/Berlin"},
        "built": {"dtype": "date"},
        "floors": {"dtype": "int64", "nullable": True},
    }
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    transform = ColumnTransformer([("texts", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder=numbers)
    labels = np.array(["low", "low", "low", "high", "high", "high"], dtype=object)
    steps = (transform, LogisticRegression())
    decision = Decision(thresholds=(0.7, 0.3))
    return package(directory, "keepsake", schema, columns, Feature("price", "string"), labels, steps, decision=decision)
