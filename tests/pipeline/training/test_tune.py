"""Tuning: the same inputs find the same parameters, by every method, however often a search was cut off."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris

from artifact.errors import ConfigurationError
from pipeline.packaging import package
from pipeline.params import params
from pipeline.shared import best_parameters, paths, split, tables
from pipeline.training import folds, study, train, tune
from tests.pipeline.repository import Repository, stages

ROOT = Path(__file__).parents[3]
KILLED_AFTER = 4
SPACE = {"estimator__C": {"low": 0.01, "high": 100, "log": True}, "estimator__max_iter": {"low": 50, "high": 500}}
METHODS: dict[str, dict[str, Any]] = {
    "grid": {"space": {"estimator__C": [0.1, 1.0, 10.0], "estimator__fit_intercept": [True, False]}},
    "random": {"trials": 6, "space": SPACE},
    "halving": {"trials": 8, "factor": 2, "space": SPACE},
    "bayesian": {"trials": 14, "space": SPACE},
}


def save(columns: dict[str, np.ndarray], rows: np.ndarray, moments: np.ndarray | None = None) -> None:
    """Write the training rows."""
    with tables.Writer(paths.TRAIN, params.load(), moments, np.arange(len(rows))) as writer:
        writer.add(columns, rows)
        writer.commit()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the stage reads: params.yaml, the training rows of iris, code and locks."""
    for name in ("artifact", "features", "pipeline", "requirements"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    data = load_iris(as_frame=True)
    columns = {str(name): values.to_numpy() for name, values in data.data.items()}
    columns["species"] = np.asarray(data.target_names, dtype=object)[data.target.to_numpy()]
    save(columns, np.arange(0, 150, 2))
    return tmp_path


def killed_search() -> None:
    """Run the stage, and end by SIGKILL after KILLED_AFTER trials."""
    add = study.Study.add

    def then_die(self: study.Study, verdict: Any) -> None:
        add(self, verdict)
        if len(self.done) == KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)

    study.Study.add = then_die  # type: ignore[method-assign]
    tune.main([])


def declare(root: Path, **tune: Any) -> None:
    """Write train.tune."""
    values = yaml.safe_load((root / "params.yaml").read_text())
    values["train"]["tune"] = {"metric": "log_loss", "folds": 3, "seed": 20, **tune}
    (root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def searched(root: Path) -> dict[str, Any]:
    """Run the stage; its file."""
    tune.main([])
    result: dict[str, Any] = json.loads((root / paths.TUNED).read_text())
    return result


def test_without_a_search_nothing_is_loaded(root: Path) -> None:
    """The stage that is off writes that there is nothing to change, and takes no part of a second."""
    script = "import sys; from pipeline.training import tune; tune.main([]); "
    script += "assert not {'sklearn', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root, capture_output=True)
    assert best_parameters.tuned()["best"] == {}
    assert best_parameters.read(params.load()).to_dict() == params.load().to_dict()
    declare(root, method="grid", space={"estimator__C": [1.0]})
    (root / paths.TUNED).unlink()
    with pytest.raises(ConfigurationError, match=r"tuned\.json cannot be read .* make it with `dvc repro`"):
        best_parameters.read(params.load())


@pytest.mark.parametrize("method", METHODS)
def test_equal_inputs_find_equal_parameters(root: Path, method: str) -> None:
    """Whatever the number of workers and the order of the space; the best one is the best of the last round."""
    declare(root, method=method, **METHODS[method])
    once = searched(root)
    tuning = (root / paths.TUNED).read_bytes()
    (root / ".tune").rename(root / "before")
    space = dict(reversed(METHODS[method]["space"].items()))
    declare(root, method=method, n_jobs=2, **METHODS[method] | {"space": space})
    searched(root)
    assert (root / paths.TUNED).read_bytes() == tuning
    last = [trial for trial in once["trials"] if trial["round"] == once["trials"][-1]["round"] or method != "halving"]
    if method == "halving":
        rounds = [trial["round"] for trial in once["trials"]]
        assert [rounds.count(number) for number in range(4)] == [8, 4, 2, 1]
        last = [trial for trial in once["trials"] if trial["round"] == 3]
    assert once["score"] == min(trial["score"] for trial in last)
    assert once["best"] in [trial["values"] for trial in last]
    assert len({json.dumps(trial["values"]) for trial in once["trials"]}) == {"grid": 6, "random": 6}.get(
        method, len(once["trials"]) if method == "bayesian" else 8
    )


@pytest.mark.parametrize("method", [pytest.param("halving", marks=pytest.mark.story), "bayesian"])
def test_a_killed_search_goes_on(root: Path, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    """kill -9 in the middle: what is finished is not repeated, and the end is that of a search nobody killed."""
    declare(root, method=method, **METHODS[method])
    killed = multiprocessing.get_context("fork").Process(target=killed_search)
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not (root / paths.TUNED).exists()
    searched(root)
    assert f"{KILLED_AFTER} trials are there already" in capsys.readouterr().out
    result = (root / paths.TUNED).read_bytes()
    (root / ".tune").rename(root / "before")
    searched(root)
    assert (root / paths.TUNED).read_bytes() == result


def test_other_rows_are_another_search(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trials are found again by all that decides them."""
    declare(root, method="grid", **METHODS["grid"])
    searched(root)
    searched(root)
    assert "6 trials are there already" in capsys.readouterr().out
    frame, target = tables.read(paths.TRAIN, params.load())
    columns = {**{str(name): frame[name].to_numpy() for name in frame}, "species": target}
    save(columns, np.arange(1, 75))
    searched(root)
    assert "are there already" not in capsys.readouterr().out


def test_a_candidate_that_cannot_be_trained_loses(root: Path) -> None:
    """It is told with its reason; where no candidate can, the search ends with 10."""
    declare(root, method="grid", space={"estimator__solver": ["lbfgs", "no such"]})
    result = searched(root)
    assert result["best"] == {"estimator__solver": "lbfgs"}
    assert "no such" in result["trials"][1]["error"]
    declare(root, method="grid", space={"estimator__solver": ["no such"]})
    with pytest.raises(ConfigurationError, match=r"none of 1 trials could be trained.*no such"):
        searched(root)


def test_the_best_parameters_are_those_of_the_model(root: Path) -> None:
    """They train and stand in the manifest as if params.yaml had said so; how they were found does not."""
    by_hand = params.load()
    declare(
        root,
        method="grid",
        space={"estimator__C": [0.5], "preprocessing__numeric__step1__with_mean": [False]},
    )
    searched(root)
    result = best_parameters.read(params.load())
    steps = dict(train.build(result).steps)
    assert steps["estimator"].C == 0.5
    (_, block, _) = steps["preprocessing"].transformers[0]
    assert block.named_steps["step1"].with_mean is False
    message = package.parameters(result)["train"]
    assert message["parameters"] == {**by_hand.train.parameters, "C": 0.5}
    assert "tune" not in message


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"C": [1.0]}, "expected a parameter of the Pipeline, such as estimator__C"),
        ({}, "at least one parameter"),
        ({"estimator__C": []}, "at least one"),
        ({"estimator__C": [1.0, 1.0]}, "values that differ"),
        ({"estimator__C": {"low": 1, "high": 1}}, "a high above it"),
        ({"estimator__C": {"low": 0, "high": 1, "log": True}}, "a low above 0"),
        ({"estimator__C": 3}, "a list of values or"),
        ({"estimator__D": [1.0]}, "has no parameter 'D'; use one of C"),
        ({"estimator__C__x": [1.0]}, "leads nowhere"),
        ({"preprocessing__numbers__step1__copy": [True]}, "did you mean 'numeric'"),
        ({"preprocessing__numeric__step2__copy": [True]}, "leads nowhere"),
        ({"estimator__random_state": [None]}, "could be repeated"),
    ],
)
def test_a_space_that_does_not_fit_is_refused(root: Path, space: dict[str, Any], message: str) -> None:
    """With the parameter and what it should be, before anything trains."""
    declare(root, method="random", trials=2, space=space)
    with pytest.raises(Exception, match=message):
        searched(root)
    assert not (root / paths.TUNED).exists()


def units(frame: pd.DataFrame) -> np.ndarray:
    return split.units(split.twin_hashes(frame))


def test_folds_keep_twins_together_and_classes_apart() -> None:
    """No row is judged by a model that saw its twin, and each fold has its share of each class."""
    data = load_iris(as_frame=True)
    frame = data.data.iloc[np.r_[0:150, 0:150:3]].reset_index(drop=True)
    labels = data.target_names[data.target.to_numpy()][np.r_[0:150, 0:150:3]]
    result = folds.spread(units(frame), labels, 5, 20)
    assert sorted(np.concatenate([fold.test for fold in result]).tolist()) == list(range(200))
    for fold in result:
        events = set(map(tuple, frame.iloc[fold.train].to_numpy()))
        assert not events & set(map(tuple, frame.iloc[fold.test].to_numpy()))
        assert np.unique(labels[fold.test], return_counts=True)[1].min() >= 9
        assert set(labels[fold.with_rows(0.1).train]) == set(labels)
        assert len(fold.train) + len(fold.test) == 200


def test_folds_of_time_only_look_back() -> None:
    """Every judged row is later than all that were trained on; fewer rows to train on are the latest of them."""
    frame = load_iris(as_frame=True).data
    moments = np.random.default_rng(1).permutation(np.repeat(np.arange(50), 3)) * 10**15
    for fold in folds.by_time(units(frame), moments, 4):
        assert moments[fold.train].max() < moments[fold.test].min()
        assert moments[fold.with_rows(0.2).train].min() >= np.median(moments[fold.train])
    with pytest.raises(ConfigurationError, match="holds no new row; use fewer"):
        folds.by_time(units(frame), np.repeat([1, 2], 75), 4)


def test_a_split_by_time_is_searched_by_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folds follow what ordered the rows, which is written beside them and is no feature."""
    declare(root, method="grid", space={"estimator__C": [1.0]})
    values = yaml.safe_load((root / "params.yaml").read_text())
    values["data"]["time"], values["prepare"]["split"]["method"] = "when", "time"
    (root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    loaded = params.load()
    frame, target = tables.read(paths.TRAIN, loaded)
    columns = {**{str(name): frame[name].to_numpy() for name in frame}, "species": target}
    moments = np.random.default_rng(3).permutation(75) * 10**16
    save(columns, np.arange(75), moments)
    assert list(tables.read(paths.TRAIN, loaded)[0]) == list(frame)
    events = []
    by_time = folds.by_time
    monkeypatch.setattr(folds, "by_time", lambda *inputs: events.append(inputs[1].tolist()) or by_time(*inputs))
    searched(root)
    assert events == [moments.tolist()]


@pytest.mark.story
def test_an_experiment_searches(again: Repository) -> None:
    """`dvc exp run -S` switches it on; what it finds names the model that params.yaml would name.

    In MLflow each trial is a run under the training's own, with its metric by round, and the one that won marked.
    """
    manifest = again.read("build/artifact/manifest.json")
    settings = "train.tune.method=halving train.tune.trials=4 +train.tune.factor=2 track.experiment=tuned".split()
    settings.append("train.tune.space.estimator__C=[1.0]")
    output = again.done("dvc", "exp", "run", *(word for setting in settings for word in ("-S", setting)))
    assert stages(output) == "inputs champion tune train package gate report track".split()
    assert json.loads(again.read("build/tuned.json"))["best"] == {"estimator__C": 1.0}
    assert again.read("build/artifact/manifest.json") == manifest
    client = MlflowClient(f"sqlite:///{again.path}/.mlflow/mlflow.db")
    experiment = client.get_experiment_by_name("tuned")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1 == 4
    (best,) = (run for run in children if run.data.tags["tune.best"] == "true")
    assert best.data.params == {"estimator__C": "1.0"}
    assert [entry.step for entry in client.get_metric_history(best.info.run_id, "log_loss")] == [0, 1, 2]
