"""A predictor with only the packages of the image, and a model of an extra: as a graph, by the library, without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from artifact import save
from artifact.digest import of_bytes
from artifact.engines import boosted
from artifact.engines.engine import Engine
from artifact.engines.table import GRAPH, ONNX, SKLEARN
from artifact.explanation.background import FILE
from artifact.signature import Feature, for_model
from artifact.validation.frame import columns
from local.ports import free
from local.state import REPOSITORY
from pipeline.engine import conversion
from pipeline.packaging.explaining import background_of
from pipeline.training import canonical_pickle
from tests.deadlines import START_SECONDS
from tests.predictor.conftest import Server, command, environment
from tests.predictor.models import Packaged

pytestmark = pytest.mark.story
NAME = "petals"
FEW = {"n_estimators": 8, "random_state": 1}


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Interpreters with the packages of the image: of one without extras, and of one with LightGBM."""
    locks = tmp_path_factory.mktemp("locks") / "requirements"
    shutil.copytree(REPOSITORY / "requirements", locks, ignore=shutil.ignore_patterns("__pycache__"))
    models = {}
    for name in ("plain", "lightgbm"):
        chosen = [] if name == "plain" else [name]
        subprocess.run([sys.executable, locks / "extras/choose.py", *chosen], check=True, capture_output=True)
        venvs = ["--venvs", str(REPOSITORY / ".venvs")]
        done = subprocess.run(
            [sys.executable, locks / "install.py", "serving", *venvs], check=True, capture_output=True, text=True
        )
        models[name] = Path(done.stdout.strip()) / "bin/python"
    return models


def packaged(folder: Path, estimator: Any, target: np.ndarray, graph: bool, task: str) -> Packaged:
    """An artifact of `estimator`, served as a graph or from the Pipeline; one that explains where it is a graph."""
    table = load_iris(as_frame=True).data.set_axis(["a", "b", "c", "d"], axis=1)
    model = make_pipeline(estimator).fit(table, target)
    answered = [Feature(name, "float64") for name in "yz"] if task == "regression" else [Feature("kind", "string")]
    signature = for_model(task, tuple(Feature(name, "float64") for name in "abcd"), answered, model)
    rows = columns(table)
    digest = save.save(
        folder,
        name=NAME,
        model=canonical_pickle.dumps(model),
        engines=[Engine(ONNX, batching=False)] if graph else [Engine(SKLEARN, batching=False)],
        files={GRAPH: conversion.convert(model, signature)} if graph else {},
        signature=signature,
        train=rows,
        holdout=rows,
        golden_rows=4,
        data_digest=of_bytes(b"petals"),
        parameters={},
        metrics={},
        beside={FILE: background_of(model, signature, rows, rows).to_bytes()} if graph else None,
    )
    inputs = {name: values[::30].tolist() for name, values in rows.items()}
    return Packaged(NAME, model, signature, folder, digest, inputs)


@contextmanager
def serving(python: Path, model: Packaged, log: Path) -> Iterator[Server]:
    """A predictor of `model` run by `python`."""
    ports = free(2)
    line = command(model.directory, NAME, "--expected_digest", model.digest, ports=ports)
    env = environment(MODEL_RELEASE=model.release, PYTHONPATH=str(REPOSITORY))
    with log.open("wb") as output:
        process = subprocess.Popen([str(python), *line[1:]], cwd=REPOSITORY, env=env, stdout=output, stderr=output)
    server = Server(model, process, *ports, log)
    yield server
    server.stop()


def instances(model: Packaged) -> list[list[float]]:
    return [list(row) for row in zip(*model.rows.values(), strict=True)]


def test_a_graph_needs_no_library(pythons: dict[str, Path], tmp_path: Path) -> None:
    """An image without the extra serves the model; explanations, which need the library, are 501 with the remedy there,
    and are answered where the extra is."""
    kinds = np.array(["x", "y", "z"], dtype=object)[load_iris().target]
    estimator = boosted.estimator("lightgbm.LGBMClassifier", FEW)
    model = packaged(tmp_path / "graph", estimator, kinds, graph=True, task="classification")
    for name, status in (("plain", 501), ("lightgbm", 200)):
        with serving(pythons[name], model, tmp_path / f"{name}.log") as server:
            server.wait()
            answer = server.post(server.v1, {"instances": instances(model), "probabilities": True}).json
            assert answer["predictions"] == model.pipeline.predict(np.array(instances(model))).tolist()
            reply = server.post(server.v1.replace(":predict", ":explain"), {"instances": instances(model)})
            assert reply.status == status, reply.body
            if status == 501:
                assert "make extras EXTRAS='lightgbm'" in reply.json["error"]


def test_without_a_graph_the_image_has_to_have_it(pythons: dict[str, Path], tmp_path: Path) -> None:
    """A predictor without the library ends with 22 and names the extra; with it, it answers as offline."""
    target = load_iris().data[:, 2:]
    estimator = MultiOutputRegressor(boosted.estimator("lightgbm.LGBMRegressor", FEW))
    model = packaged(tmp_path / "several", estimator, target, graph=False, task="regression")
    with serving(pythons["plain"], model, tmp_path / "plain.log") as server:
        assert server.process.wait(timeout=START_SECONDS) == 22
        assert "needs the extra lightgbm (lightgbm 4.7.0)" in server.log.read_text().splitlines()[-1]
    with serving(pythons["lightgbm"], model, tmp_path / "with.log") as server:
        server.wait()
        answer = server.post(server.v1, {"instances": instances(model)}).json["predictions"]
    assert answer == model.pipeline.predict(np.array(instances(model))).tolist()


def test_the_library_finds_the_openmp_of_scikit_learn(pythons: dict[str, Path], tmp_path: Path) -> None:
    """As in the image, which has no libgomp of its own: a link in LD_LIBRARY_PATH is what LightGBM loads."""
    packages = next(pythons["lightgbm"].parents[1].glob("lib/python3*/site-packages"))
    (bundled,) = packages.glob("scikit_learn.libs/libgomp-*")
    (tmp_path / "libgomp.so.1").symlink_to(bundled)
    script = "import lightgbm; print(*{line.split()[-1] for line in open('/proc/self/maps') if 'libgomp' in line})"
    env = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run([pythons["lightgbm"], "-c", script], env=env, capture_output=True, text=True, check=True)
    assert [Path(path).resolve() for path in done.stdout.split()] == [bundled.resolve()]
