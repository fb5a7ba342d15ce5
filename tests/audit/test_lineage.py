"""Where a model comes from, and that it comes from there again: on a real Git origin, S3 and DVC remote."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from artifact import digest, load, save
from artifact.manifest import FILE as MANIFEST
from artifact.validation.frame import columns
from artifact.validation.validator import validated_columns
from audit import reproduce
from local.s3 import S3
from pipeline.params import params
from pipeline.shared import paths, tables
from tests.pipeline.repository import Repository

IMAGE = f"registry.example.com/modelpin/predictor@sha256:{'1' * 64}"


@dataclass(frozen=True)
class Published:
    """A trained repository whose artifact is published at `uri` and deployed to staging; `env` reaches its parts."""

    repository: Repository
    uri: str
    commit: str


@pytest.fixture(scope="module")
def published(trained: tuple[Repository, str], s3_server: S3, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Once for the module: nothing here changes what is published."""
    folder = tmp_path_factory.mktemp("published")
    copied = trained[0].copy(folder / "repository")
    repository = Repository(copied.path, copied.env | s3_server.env)
    client = s3_server.client()
    client.create_bucket(Bucket="lineage", CreateBucketConfiguration={"LocationConstraint": client.meta.region_name})
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder / "origin.git")], check=True)
    repository.done("release", "configure", "--bucket", "lineage")
    repository.done("dvc", "commit", "-f", "data/iris.csv.dvc")
    repository.done("dvc", "push", "-q", "data/iris.csv.dvc")
    repository.git("remote", "add", "origin", str(folder / "origin.git"))
    repository.git("add", "-A", ":!dvc.lock")
    repository.git("commit", "-qm", "Configure")
    repository.git("push", "-q", "origin", "main")
    uri = repository.run("release", "publish").stdout.strip().splitlines()[-1]
    repository.done("release", "deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
    return Published(repository, uri, repository.git("rev-parse", "HEAD").strip())


@pytest.mark.story
def test_an_artifact_says_where_it_comes_from(published: Published) -> None:
    """Commit, data, parameters, run, verdict and deployments, by its URI or by its digest alone."""
    repository = published.repository
    ran = repository.run("audit", "lineage", published.uri, "--json")
    assert ran.returncode == 0, ran.stderr
    content = json.loads(ran.stdout)
    named = digest.of_file(repository.path / "build/artifact/manifest.json")
    assert (content["digest"], content["source_commit"]) == (named, published.commit)
    assert content["commit"]["subject"] == "Configure"
    assert content["data_digest"] == digest.of_file(repository.path / "data/iris.csv")
    assert content["inputs_digest"] == json.loads(repository.read("build/inputs.json"))["inputs_digest"]
    assert content["parameters"]["train"]["parameters"]["C"] == 1.0
    assert content["run"]["version"] == "1"
    assert content["run"]["verdict"]["model_digest"] == named
    assert [
        (deployment["environment"], deployment["role"], deployment["image"]) for deployment in content["deployments"]
    ] == [("staging", "stable", IMAGE)]
    assert len(content["history"]) == 1
    assert content["notes"] == []
    text = repository.done("audit", "lineage", named)
    for message in (published.uri, published.commit, "Configure", content["run"]["run_id"], "staging     stable since"):
        assert message in text


@pytest.mark.story
def test_what_does_not_answer_is_left_out(published: Published) -> None:
    """A tracking server or a remote that is down costs its part; an artifact that is not there is 20."""
    repository = published.repository
    content = json.loads(
        repository.run(
            "audit", "lineage", published.uri, "--json", MLFLOW_TRACKING_URI="http://someone:hunter2@127.0.0.1:9"
        ).stdout
    )
    assert content["run"] is None
    (note,) = content["notes"]
    assert "tracking at http://127.0.0.1:9 does not answer" in note
    missing = repository.run("audit", "lineage", "sha256-" + "0" * 64)
    assert missing.returncode == 20
    assert "publish the artifact first" in missing.stderr.splitlines()[-1]


@pytest.mark.story
def test_a_published_model_scores_by_its_uri(published: Published, tmp_path: Path) -> None:
    """Fetched, verified and asked: its answers for its own data are those of the artifact that trained here."""
    repository, output = published.repository, tmp_path / "scores.parquet"
    repository.done("scoring", "--uri", published.uri, "--input", "data/iris.csv", "--output", str(output))
    artifact = repository.path / "build/artifact"
    loaded = load.load(artifact, expected_digest=digest.of_file(artifact / MANIFEST))
    table = pd.read_csv(repository.path / "data/iris.csv")
    online = loaded.runner.predict(validated_columns(loaded.signature, columns(table[list(loaded.signature.names)])))
    scores = pd.read_parquet(output)
    assert scores["label"].tolist() == online.values.tolist()
    assert np.array_equal(scores.filter(like="probability_").to_numpy(), online.probabilities)
    missing = repository.run(
        "scoring", "--uri", published.uri.replace("sha256-", "sha256-0", 1)[:-2] + "/", "--input", "x.csv",
        "--output", "y.csv",
    )  # fmt: skip
    assert missing.returncode == 20


@pytest.mark.story
def test_a_published_model_is_made_again(published: Published) -> None:
    """From its commit and the data of the DVC remote, bit for bit; the working tree is not touched."""
    repository = published.repository
    repository.replace("params.yaml", "C: 1.0", "C: 0.1")
    before = repository.git("status", "--porcelain")
    ran = repository.run("audit", "reproduce", published.uri, "--installed", "--json")
    assert ran.returncode == 0, ran.stderr
    content = json.loads(ran.stdout)
    assert (content["outcome"], content["same_inputs"]) == ("bit-identical", True)
    assert content["holdout"]["rows"] > 40
    assert content["files"] == content["differs"] == {}
    assert repository.git("status", "--porcelain") == before
    assert repository.git("worktree", "list").count("\n") == 1
    repository.replace("params.yaml", "C: 0.1", "C: 1.0")


def test_a_model_that_differs_is_compared_by_its_answers(again: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes with the same answers are told from another model, with the rows and the largest difference."""
    monkeypatch.chdir(again.path)
    loaded = params.load()
    train, _ = tables.read(paths.TRAIN, loaded)
    model = joblib.load(paths.MODEL)
    original = load.verify(paths.ARTIFACT, expected_digest=None, allow_unpinned=True)
    shutil.copytree(paths.ARTIFACT, "published")

    def repackage(scale: float) -> dict[str, object]:
        model.named_steps["estimator"].coef_ *= scale
        joblib.dump(model, "other.joblib")
        save.save(
            paths.ARTIFACT,
            name="iris",
            model=Path("other.joblib").read_bytes(),
            signature=original.manifest.signature,
            train=columns(train),
            holdout=columns(train),
            golden_rows=16,
            data_digest=original.manifest.data_digest,
            parameters=original.manifest.parameters,
            metrics=original.manifest.metrics,
        )
        python = shutil.which("python", path=again.env["PATH"])
        return reproduce.compare(str(python), again.path, again.path / "published", original.digest)

    alike = repackage(1 + 1e-9)
    assert alike["outcome"] == "prediction-identical"
    assert "model.joblib" in alike["files"]
    other = repackage(1.5)
    assert other["outcome"] == "different"
    assert other["holdout"]["differing"] > 0
    assert other["holdout"]["largest_difference"] > 0.01
    assert digest.of_file(paths.ARTIFACT / MANIFEST) == other["digest"]
