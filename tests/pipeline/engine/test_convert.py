"""Stage convert chooses the engine before anything is judged, and what is judged are that engine's answers."""

from __future__ import annotations

import json

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from artifact.manifest import Manifest
from pipeline.engine import conversion
from tests.pipeline.repository import Repository

PROOF = "build/engine/proof.json"


def test_metrics_are_those_of_the_engine(again: Repository) -> None:
    """With the graph of another model in build/engine/, metrics, behaviour and slices are the other model's."""
    rows = pd.read_parquet(again.path / "build/prepared/train.parquet")
    target = rows["species"].to_numpy(dtype=object)
    shuffled = np.random.default_rng(1).permutation(target)
    signature = Manifest.from_bytes((again.path / "build/artifact/manifest.json").read_bytes()).signature
    table = rows[list(signature.names)]  # beside them stands what keeps rows in one fold
    other = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, shuffled)
    before = json.loads(again.read("reports/metrics.json"))
    (again.path / "build/engine/model.onnx").write_bytes(conversion.convert(other, signature))
    again.done("pipeline", "evaluate")
    metrics = json.loads(again.read("reports/metrics.json"))
    holdout = pd.read_parquet(again.path / "build/prepared/test.parquet")
    right = other.predict(holdout.drop(columns="species")) == holdout["species"].to_numpy(dtype=object)
    assert metrics["accuracy"]["value"] == right.mean() < 0.8 < before["accuracy"]["value"]
    assert json.loads(again.read("reports/slices.json"))["overall"] > 0.5


def test_the_artifact_holds_the_graph_that_was_judged(trained: tuple[Repository, str]) -> None:
    """The proof's counts are in the log and on the page of the report, the graph in the artifact, byte for byte."""
    repository, output = trained
    proof = json.loads(repository.read(PROOF))
    graph = (repository.path / "build/engine/model.onnx").read_bytes()
    assert (repository.path / "build/artifact/model.onnx").read_bytes() == graph
    assert proof["engines"] == json.loads(repository.read("build/artifact/manifest.json"))["engines"]
    agreement = proof["agreements"]["onnxruntime"]
    assert (agreement["rows"]["training"], agreement["rows"]["held out"], agreement["unanswered"]) == (105, 45, 0)
    assert agreement["differences"]["probabilities"] < 1e-9
    page = repository.read("reports/report.md")
    for text in (output, page):
        assert f"{agreement['compared']} rows that both answer" in text
        assert "0 rows that scikit-learn answers are unanswered" in text


def test_a_proof_of_another_model_is_refused(again: Repository) -> None:
    """After another training the engine must be chosen again: exit 10, with the remedy; then scikit-learn, and why."""
    model = joblib.load(again.path / "build/model/model.joblib")
    model.set_params(estimator__C=0.5)
    joblib.dump(model, again.path / "build/model/model.joblib")
    for stage in ("evaluate", "package"):
        refused = again.run("pipeline", stage)
        assert refused.returncode == 10
        assert "speaks of another build/model/model.joblib; make it anew with `dvc repro`" in refused.stderr

    block = "sklearn.preprocessing.StandardScaler: {}"
    again.replace("params.yaml", block, "sklearn.preprocessing.PowerTransformer: {}")
    again.done("pipeline", "train")
    output = again.done("pipeline", "convert")
    assert "engine sklearn, not onnxruntime: PowerTransformer has no form in a graph" in output
    assert not (again.path / "build/engine/model.onnx").exists()
    again.done("pipeline", "evaluate")
    assert json.loads(again.read(PROOF))["agreements"] == {}
