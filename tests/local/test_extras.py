"""`make extras`: which lock training and the image hold beside their own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from artifact import extras
from artifact.errors import IncompatibleError
from local.state import REPOSITORY
from tests.local.test_preflight import loaded

FOLDER = REPOSITORY / "requirements"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The locks of this repository, in a folder of their own."""
    shutil.copytree(FOLDER, tmp_path / "requirements", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def choose(repository: Path, *names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", repository / "requirements/extras/choose.py", *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_choosing(repository: Path) -> None:
    """The lock names exactly the chosen extras, and each with a hash; none by default, and again without names."""
    assert extras.chosen(REPOSITORY) == []
    assert choose(repository, "xgboost", "lightgbm").returncode == 0
    assert extras.chosen(repository) == ["lightgbm", "xgboost"]
    lock = (repository / extras.CHOSEN).read_text()
    assert set(re.findall(r"^([a-z-]+)==", lock, re.M)) == {"lightgbm", "xgboost-cpu"}
    assert lock.count("--hash=sha256:") > 4
    wrong = choose(repository, "catboost")
    assert (wrong.returncode, "use some of lightgbm, shap, sigstore, xgboost" in wrong.stderr) == (2, True)
    assert choose(repository).returncode == 0
    assert (repository / extras.CHOSEN).read_text() == (FOLDER / "extras/chosen.txt").read_text()


def test_training_and_serving_install_what_is_chosen(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their environments have another name with it, and both locks; dev, which holds all extras, stays as it is."""
    install = loaded("install")
    monkeypatch.setattr(install, "FOLDER", repository / "requirements")
    monkeypatch.setattr(install, "CHOSEN", repository / extras.CHOSEN)
    before = {role: install._path(role, repository) for role in ("serving", "pipeline", "dev")}
    assert [lock.name for lock in install._locks("serving")] == ["serving.txt"]
    choose(repository, "lightgbm")
    assert [lock.name for lock in install._locks("serving")] == ["serving.txt", "chosen.txt"]
    assert {role for role, path in before.items() if install._path(role, repository) != path} == {"serving", "pipeline"}


def test_each_extra_is_locked_once(repository: Path) -> None:
    """Its lock has no version of what the serving lock has, and the tests run with the very versions of the locks."""
    pinned = {
        path.stem: dict(re.findall(r"^([\w-]+)==(\S+)", path.read_text(), re.M))
        for path in [*FOLDER.glob("extras/*.txt"), FOLDER / "serving.txt", FOLDER / "dev.txt"]
    }
    for name, extra in extras.EXTRAS.items():
        assert extra.distribution in pinned[name]
        assert not pinned[name].keys() & pinned["serving"].keys()
        assert pinned[name].items() <= pinned["dev"].items()


def test_an_artifact_of_an_extra_that_is_not_chosen_is_not_published(repository: Path) -> None:
    """Exit 22, with the command: the image of that commit could not serve it."""
    with pytest.raises(IncompatibleError, match="make extras EXTRAS='lightgbm'"):
        extras.refuse_unchosen({"numpy": "2", "lightgbm": "4.7.0"}, repository)
    choose(repository, "lightgbm")
    extras.refuse_unchosen({"numpy": "2", "lightgbm": "4.7.0"}, repository)
