"""An example as each server takes it: our artifact, and the model.joblib a user of KServe or MLServer would upload."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone

from artifact import save
from artifact.digest import canonical_json, of_bytes
from artifact.errors import ConfigurationError
from artifact.manifest import FILE, Manifest
from artifact.signature import Feature, Signature, for_model
from artifact.validation.frame import columns as columns_of
from artifact.validation.frame import of as frame_of
from bench.examples import TRAIN, Data, Example, Schema
from pipeline.engine import engines

GOLDEN_ROWS = 16


@dataclass(frozen=True)
class Packaged:
    """One model on disk, and rows to ask it about with the labels scikit-learn itself gives them."""

    name: str
    schema: Schema
    columns: dict[str, list[Any]]  # the holdout: feature → values as JSON has them
    labels: list[int]
    artifact: Path
    digest: str
    engine: str
    joblib: Path  # a folder that holds model.joblib and nothing else

    @property
    def wide(self) -> bool:
        """Whether one tensor can carry all features: they share a dtype."""
        return len({column["dtype"] for column in self.schema.values()}) == 1

    def rows(self, first: int, count: int) -> dict[str, list[Any]]:
        """`count` rows of the holdout, by feature."""
        return {name: values[first : first + count] for name, values in self.columns.items()}


def save_classifier(
    folder: Path,
    name: str,
    model: Any,
    inputs: tuple[Feature, ...],
    label: Feature,
    table: dict[str, np.ndarray],
    golden_rows: int,
    metrics: dict[str, float],
) -> str:
    """Save a fitted classifier as an artifact that scikit-learn itself answers from; the digest.

    `table`: feature → [rows], which stand for both the training and the held-out rows.
    """
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return save.save(
        folder,
        name=name,
        model=stream.getvalue(),
        signature=for_model("classification", inputs, label, model),
        train=table,
        holdout=table,
        golden_rows=golden_rows,
        data_digest=of_bytes(name.encode()),
        parameters={},
        metrics=metrics,
    )


def package(name: str, example: Example, folder: Path) -> Packaged:
    """Fit, save the artifact as the pipeline's package stage does, and dump the same model for the peers.

    The peers pass plain arrays where all features are numbers, so theirs is fitted on one (equal parameters, checked by
    its labels): fitted on a frame, scikit-learn would warn at every request of theirs, and slow them down.
    """
    schema, estimator, data = example
    inputs = tuple(Feature.from_dict(column, entry) for column, entry in schema.items())
    train, holdout = _frame(inputs, data, slice(0, TRAIN)), _frame(inputs, data, slice(TRAIN, None))
    model = clone(estimator).fit(train, data.labels[:TRAIN])
    labels = np.asarray(model.predict(holdout)).tolist()
    stream = io.BytesIO()
    joblib.dump(model, stream)
    signature = for_model("classification", inputs, Feature("label", "int64"), model)
    artifact = folder / name / "artifact"
    artifact.parent.mkdir(parents=True, exist_ok=True)
    choice = engines.choose(stream.getvalue(), model, signature, train=columns_of(train), holdout=columns_of(holdout))
    digest = save.save(
        artifact,
        name=name,
        model=stream.getvalue(),
        engines=choice.engines,
        files=choice.files,
        signature=signature,
        train=columns_of(train),
        holdout=columns_of(holdout),
        golden_rows=GOLDEN_ROWS,
        data_digest=of_bytes(canonical_json(data.columns)),
        parameters={"estimator": " ".join(str(estimator).split())},
        metrics={"accuracy": float(model.score(holdout, data.labels[TRAIN:]))},
    )
    columns = {column: values[TRAIN:] for column, values in data.columns.items()}
    engine = Manifest.from_bytes((artifact / FILE).read_bytes()).engine
    packaged = Packaged(name, schema, columns, labels, artifact, digest, engine, folder / name / "joblib")
    packaged.joblib.mkdir(exist_ok=True)
    theirs = clone(estimator).fit(train.to_numpy(), data.labels[:TRAIN]) if packaged.wide else model
    if not np.array_equal(theirs.predict(holdout.to_numpy() if packaged.wide else holdout), labels):
        raise ConfigurationError(
            f"{name}: fitted on an array the model answers otherwise than on a frame; change its data"
        )
    joblib.dump(theirs, packaged.joblib / "model.joblib")
    return packaged


def _frame(inputs: tuple[Feature, ...], data: Data, part: slice) -> pd.DataFrame:
    columns = {name: values[part] for name, values in data.columns.items()}
    return frame_of(Signature("classification", inputs, ()), columns)
