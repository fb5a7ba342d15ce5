"""On a Dask cluster as here: the same search, the same model, the same scores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from distributed import Client

from artifact.errors import IncompatibleError, StorageError
from bench import cluster as local_cluster
from pipeline.shared import determinism
from pipeline.training import cluster
from tests.pipeline.training.test_tune import root
from tests.predictor.models import Packaged
from tests.scoring.conftest import people
from tests.scoring.table import arguments, rows, scored, write

__all__ = ["people", "root"]  # fixtures
TRAIN = "from pipeline.training import train, tune; tune.main([]); train.main([])"
ENSEMBLE = {
    "sklearn.ensemble.VotingClassifier": {
        "voting": "soft",
        "estimators": [
            ["a", {"sklearn.ensemble.RandomForestClassifier": {"n_estimators": 5, "random_state": 20}}],
            ["b", {"sklearn.linear_model.LogisticRegression": {"random_state": 20, "max_iter": 500}}],
        ],
    }
}
SEARCH = {
    "method": "random",
    "metric": "log_loss",
    "trials": 3,
    "folds": 2,
    "seed": 20,
    "space": {"estimator__weights": [[1, 1], [1, 2], [2, 1]], "estimator__flatten_transform": [True, False]},
}


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with local_cluster.running(tmp_path_factory.mktemp("dask")) as address:
        yield address


@pytest.mark.story
def test_a_cluster_finds_and_trains_the_same_model(root: Path, scheduler: str) -> None:
    """Trials and the parts of an ensemble come back from workers, and the files are those made here, to the bit."""
    values = yaml.safe_load((root / "params.yaml").read_text())
    ((estimator, parameters),) = ENSEMBLE.items()
    values["train"] |= {"estimator": estimator, "parameters": parameters, "tune": SEARCH}
    (root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    results = []
    for address in ("", scheduler):
        env = {**os.environ, **determinism.ENVIRONMENT, cluster.VARIABLE: address}
        done = subprocess.run([sys.executable, "-c", TRAIN], cwd=root, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        results.append([(root / "build" / name).read_bytes() for name in ("tuned.json", "model/model.joblib")])
        (root / ".tune").rename(root / f"tune-{bool(address)}")
    assert results[0] == results[1]


@pytest.mark.story
def test_a_cluster_scores_to_the_same_bytes(
    people: Packaged, tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejected rows too, however many pieces are on their way."""
    table = rows(people, repeated=5)
    table.loc[3, "rooms"] = 77
    source = write(table, tmp_path / "in.csv")
    assert scored(*arguments(people, source, tmp_path / "here.parquet", "--rows", "7")) == 0
    monkeypatch.setenv(cluster.VARIABLE, scheduler)
    assert scored(*arguments(people, source, tmp_path / "there.parquet", "--rows", "7")) == 0
    for name in ("", ".rejected"):
        assert (tmp_path / f"there{name}.parquet").read_bytes() == (tmp_path / f"here{name}.parquet").read_bytes()


def test_a_worker_of_another_environment_does_not_train(scheduler: str) -> None:
    """It would compute other bits: 22 with what differs, and how to start one."""

    def threads(number: str) -> None:
        os.environ["OMP_NUM_THREADS"] = number

    client: Any
    with Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(2)
        client.run(threads, "3")
        try:
            with (
                pytest.raises(IncompatibleError, match=r"has OMP_NUM_THREADS '3', here it is '1'; start workers with"),
                cluster.connected(scheduler, training=True),
            ):
                pass
            with cluster.connected(scheduler):  # to score, its versions and its code do
                pass
        finally:
            client.run(threads, "1")


def test_a_scheduler_that_does_not_answer_is_30(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bounded time, with what to start or unset."""
    monkeypatch.setattr(cluster, "_SECONDS", 0.5)
    with (
        pytest.raises(StorageError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 .* unset it to work here"),
        cluster.connected("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_worker_needs_an_address() -> None:
    """`python -m pipeline cluster` alone says what it wants."""
    done = subprocess.run([sys.executable, "-m", "pipeline", "cluster"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "name the scheduler" in done.stderr
