"""A configuration built as the pipeline builds it: the one place of the zoo that knows the stages.

Each stage's own code runs, in this process, on a real params.yaml: prepare, tune, train, and of package all but the
process that proves which modules an artifact needs.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from artifact.extras import EXTRAS
from artifact.load import verify
from artifact.prediction import Columns
from artifact.signature import Signature
from artifact.unpickling import unpickle
from artifact.validation.frame import columns as columns_of
from local.state import REPOSITORY
from pipeline.data import prepare
from pipeline.engine import convert
from pipeline.packaging import package
from pipeline.params import params
from pipeline.shared import best_parameters, paths
from pipeline.shared import tables as prepared
from pipeline.training import train, tune
from tests.zoo.configuration import Configuration
from tests.zoo.tables import REGRESSION, ROWS, SCHEMAS, TARGETS, draw

NAME = "zoo"
THRESHOLD = {
    "classification": "accuracy",
    "regression": "r2",
    "multilabel": "accuracy",
    "multioutput": "accuracy",
    "outliers": "recall",
}


@dataclass(frozen=True)
class Built:
    """An artifact, the Pipeline in it as scikit-learn has it, and the rows that trained it, [rows] a feature."""

    directory: Path
    digest: str
    engine: str
    signature: Signature
    pipeline: Any
    trained: Columns
    output: str


def build(configuration: Configuration, folder: Path, tables: Path) -> Built:
    """Train and package `configuration` in `folder`; what is prepared of each table is kept under `tables`."""
    folder.mkdir(parents=True)
    with _inside(folder):
        _write_params(configuration)
        _choose_extras()
        _prepare(configuration, tables)
        tune.main([])
        train.main([])
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            convert.main([])
        paths.METRICS.parent.mkdir(parents=True, exist_ok=True)
        paths.METRICS.write_text("{}", encoding="utf-8")
        declared = best_parameters.read(params.load())
        digest = package._save(declared, paths.ARTIFACT, package._modules(declared))
        manifest = verify(paths.ARTIFACT, expected_digest=digest).manifest
        pipeline = unpickle.loads((paths.ARTIFACT / "model.joblib").read_bytes())
        rows, _ = prepared.read(paths.TRAIN, declared)
    directory = folder / paths.ARTIFACT
    return Built(
        directory, digest, manifest.engine, manifest.signature, pipeline, columns_of(rows), output.getvalue().strip()
    )


def _write_params(configuration: Configuration) -> None:
    targets = configuration.targets
    task = configuration.task or ("regression" if targets[0] in REGRESSION else "classification")
    schema = {**SCHEMAS[configuration.table], **{name: TARGETS[name] for name in targets}}
    named: dict[str, Any] = {"target": targets[0]} if len(targets) == 1 else {"targets": targets}
    stratified = task in ("classification", "outliers")
    value = {
        "model": {"name": NAME, "task": task},
        "data": {"path": "data/table.parquet", "time": None, **named},
        "schema": schema,
        "prepare": {"split": {"method": "stratified" if stratified else "random", "test_size": 0.3, "seed": 20}},
        "train": {
            "preprocessing": {
                name: {"columns": columns, "steps": steps}
                for name, (columns, steps) in configuration.preprocessing.items()
            },
            "estimator": configuration.estimator,
            "parameters": configuration.parameters,
            **configuration.more,
        },
        "evaluate": {"bootstrap": {"resamples": 10, "confidence": 0.9, "seed": 20}},
        "package": {"golden": 8},
        "gate": {"thresholds": {THRESHOLD[task]: {"min": -1}}},
        "track": {"experiment": NAME},
    }
    params.PARAMS.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _choose_extras() -> None:
    paths.EXTRAS_LOCK.parent.mkdir(parents=True)
    locks = [(REPOSITORY / paths.EXTRAS_LOCK.parent / f"{name}.txt").read_text(encoding="utf-8") for name in EXTRAS]
    paths.EXTRAS_LOCK.write_text("".join(locks), encoding="utf-8")


def _prepare(configuration: Configuration, tables: Path) -> None:
    rest = tables / f"{configuration.table}-{configuration.target}-{configuration.task}"
    if not rest.exists():
        Path("data").mkdir()
        draw(configuration.table, ROWS, 1).to_parquet("data/table.parquet")
        prepare.main([])
        shutil.copytree(paths.TRAIN.parent, rest)
    shutil.copytree(rest, paths.TRAIN.parent, dirs_exist_ok=True)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
