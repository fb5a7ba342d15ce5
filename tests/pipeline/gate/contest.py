"""Two models and a holdout, as the gate finds them in build/: everything real but the training's size."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from artifact import load, save
from artifact.signature import Feature, for_model
from artifact.validation.frame import columns
from pipeline.gate import gate
from pipeline.gate.champion import Champion, training_rows_of
from pipeline.packaging import training_rows
from pipeline.params.metrics import measures
from pipeline.params.params import Params
from pipeline.shared import paths

DATA = "sha256-" + "2" * 64
INPUTS = {"inputs_digest": "sha256-" + "1" * 64, "data_digest": DATA}
SPLIT = {"method": "stratified", "test_size": 0.5, "seed": 1}
ROWS = 3000
FEATURES = (Feature("a", "float64"), Feature("b", "string"))


@dataclass(frozen=True)
class Table:
    """`yes` grows likelier with `a`; of the 5 % of rows where `b` is y, less likely."""

    train: pd.DataFrame
    train_target: np.ndarray
    test: pd.DataFrame
    test_target: np.ndarray

    @classmethod
    def make(cls, seed: int = 4) -> Table:
        random = np.random.default_rng(seed)
        a, b = random.normal(0, 1, ROWS), np.where(random.random(ROWS) < 0.05, "y", "x").astype(object)
        slope = np.where(b == "x", 2.5, -2.5)
        target = np.where(random.random(ROWS) < 1 / (1 + np.exp(-slope * a)), "yes", "no").astype(object)
        frame = pd.DataFrame({"a": a, "b": b})
        half = ROWS // 2
        return cls(frame[:half], target[:half], frame[half:].reset_index(drop=True), target[half:])


def pipeline(c: float, interaction: bool = True) -> Any:
    """A logistic regression that may let `b` change what `a` means."""
    each = [("a", StandardScaler(), ["a"]), ("b", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["b"])]
    steps: list[tuple[str, Any]] = [("columns", ColumnTransformer(each))]
    if interaction:
        steps.append(("products", PolynomialFeatures(interaction_only=True, include_bias=False)))
    return Pipeline([*steps, ("model", LogisticRegression(C=c, random_state=1, max_iter=500))])


@dataclass(frozen=True)
class Contest:
    """A folder in which `judge` lets one artifact challenge another. Artifacts are made once, by name."""

    folder: Path
    table: Table = field(default_factory=Table.make)

    def artifact(self, name: str, model: Any, **changes: Any) -> Path:
        """The artifact of `model`, trained here unless `changes` give another table; further changes are save's."""
        folder = self.folder / name
        if not folder.exists():
            train = changes.pop("train", self.table.train)
            model.fit(train, changes.pop("target", self.table.train_target))
            stream = io.BytesIO()
            joblib.dump(model, stream)
            beside = {training_rows.FILE: training_rows.TrainingRows.of(columns(train)).to_bytes()}
            result: dict[str, Any] = {
                "name": "toy",
                "model": stream.getvalue(),
                "signature": for_model("classification", FEATURES, Feature("y", "string"), model),
                "train": columns(train),
                "holdout": columns(self.table.test),
                "golden_rows": 4,
                "data_digest": DATA,
                "parameters": {"split": SPLIT},
                "metrics": {},
                "beside": beside,
            }
            save.save(folder, **(result | changes))
        return folder

    def judge(
        self, params: Params, challenger: Path, champion: Path | None, **record: Any
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The verdict and the comparison; `record` changes what Git says, `latency` what was measured."""
        loaded = load.load(challenger, expected_digest=None, allow_unpinned=True)
        prediction = loaded.runner.predict(columns(self.table.test))
        classes = np.array(["no", "yes"], dtype=object)
        ones = np.ones(len(self.table.test))
        result = measures("classification", self.table.test_target, prediction, classes)
        verdict = gate.Challenger(
            loaded,
            training_rows_of(load.verify(challenger, expected_digest=loaded.digest).files),
            INPUTS,
            {name: {"value": value(ones), "low": None, "high": None} for name, value in result.items()},
            record.pop("guessing", {key: {"value": 0.2, "low": 0.1, "high": 0.3} for key in result}),
            record.pop("behaviour", []),
            record.pop("latency", {"challenger": {"p50_ms": 1.0, "p99_ms": 2.0}}),
            record.pop("apart", False),
        )
        release = None
        if champion is not None:
            paths.CHAMPION.parent.mkdir(exist_ok=True)
            if not paths.CHAMPION.exists():
                paths.CHAMPION.symlink_to(champion)
            named = load.verify(champion, expected_digest=None, allow_unpinned=True).digest
            release = {"digest": named, "uri": f"s3://modelpin/models/toy/{named}/"}
        value = {"schema_version": 1, "model": "toy", "environment": release and "production", "champion": release}
        paths.CHAMPION_RECORD.parent.mkdir(exist_ok=True)
        paths.CHAMPION_RECORD.write_text(json.dumps({**value, "quarantined": [], **record}), encoding="utf-8")
        return gate.decide(params, verdict, Champion.read(), columns(self.table.test), self.table.test_target)
