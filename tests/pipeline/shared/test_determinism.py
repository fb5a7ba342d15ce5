"""One digest wherever training runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from artifact import digest
from pipeline.shared.determinism import ENVIRONMENT
from tests.pipeline.repository import Repository

# What is sensitive to threads, to kernels and to hashing, in one model.
SENSITIVE = {
    "estimators": [
        ["linear", {"sklearn.linear_model.LogisticRegression": {"random_state": 1, "max_iter": 1000}}],
        ["forest", {"sklearn.ensemble.RandomForestClassifier": {"random_state": 1, "n_estimators": 8}}],
        ["boosted", {"sklearn.ensemble.HistGradientBoostingClassifier": {"random_state": 1, "max_iter": 8}}],
    ],
    "voting": "soft",
}
ENVIRONMENTS = [
    {},
    {
        "PYTHONHASHSEED": "12345",
        "OMP_NUM_THREADS": "4",
        "OPENBLAS_NUM_THREADS": "4",
        "OPENBLAS_CORETYPE": "Prescott",
    },
    {
        "TZ": "Asia/Kathmandu",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "LC_ALL": "C",
        "LANG": "C",
    },
]


TRAINING = """
if __name__ == "__main__":
    from pipeline.shared import determinism

    determinism.fix()

from pipeline.data import prepare
from pipeline.engine import convert
from pipeline.evaluation import evaluate
from pipeline.packaging import package
from pipeline.training import train, tune

for stage in (prepare, tune, train, convert, evaluate, package):
    stage.main([])
"""


@pytest.mark.story
def test_three_environments_give_one_digest(fresh: Repository, tmp_path: Path) -> None:
    """Hash seed, threads and kernels, time zone, locale, and each in a directory of its own.

    The first is trained in a fork of tests/pipeline/command_server.py, the others by interpreters of their own.
    """
    fresh.params(train__estimator="sklearn.ensemble.VotingClassifier", train__parameters=SENSITIVE)
    (fresh.path / "pipeline/training_at_once.py").write_text(TRAINING)

    def train(number: int) -> str:
        repository = fresh.copy(tmp_path / f"directory {number}" / ("x" * (number + 1)))
        repository.done("pipeline.training_at_once", **ENVIRONMENTS[number])
        return digest.of_file(repository.path / "build/artifact/manifest.json")

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(train, range(len(ENVIRONMENTS))))) == 1


def test_a_stage_run_by_hand_gets_the_environment(fresh: Repository) -> None:
    """`python -m` of a stage starts itself again before anything reads threads or hash seed, arguments kept."""
    (fresh.path / "pipeline/gate/gate.py").write_text(
        "import json, os, sys\nearly = 'numpy' in sys.modules\n"
        "def main(argv):\n    print(json.dumps([dict(os.environ), argv, early]))\n"
    )
    environ, arguments, early = json.loads(fresh.done("pipeline", "gate", "--a", "b c", OMP_NUM_THREADS="7"))
    assert {name: environ[name] for name in ENVIRONMENT} == ENVIRONMENT
    assert arguments == ["--a", "b c"]
    assert not early


def test_importing_a_stage_does_nothing() -> None:
    """Only a stage that runs as a program replaces its process."""
    code = "import os; os.execve = None; import pipeline.data.inputs, pipeline.data.prepare; print('imported')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "imported\n"
