"""Saving: the same model is the same bytes wherever it is saved; a directory holds the new artifact or the old one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from artifact import load, save
from artifact.errors import ConfigurationError
from artifact.validation.frame import columns
from artifact.validation.frame import of as frame_of
from tests.deadlines import START_SECONDS
from tests.predictor import models
from tests.predictor.models import Packaged

ROOT = Path(__file__).parents[2]
# Saves the model iris in each directory given and says its digest, or, in the n-th, dies in a child at the n-th write.
SCRIPT = """
import os, pathlib, sys
from tests.predictor import models

def dying(function, die_at, written):
    def act(*arguments, **named):
        written.append(function)
        if len(written) == die_at:
            os._exit(9)
        return function(*arguments, **named)
    return act

for at, directory in enumerate(sys.argv[2:], 1):
    if sys.argv[1] == "whole":
        print(models.iris(pathlib.Path(directory)).digest)
    elif not (child := os.fork()):
        written = []
        for name in ("write_bytes", "mkdir"):
            setattr(pathlib.Path, name, dying(getattr(pathlib.Path, name), at, written))
        models.iris(pathlib.Path(directory))
        os._exit(0)
    else:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def saved(how: str, *directories: Path, **env: str) -> list[str]:
    """What SCRIPT says, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, how, *map(str, directories)],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def contents(directory: Path) -> dict[str, bytes]:
    """Every file in `directory`."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_same_in_another_process_and_place(iris: Packaged, tmp_path: Path) -> None:
    """Digest and bytes do not depend on the process, its hash seed, the directory or what stood there before."""
    directory = tmp_path / "elsewhere" / "artifact"
    directory.mkdir(parents=True)
    (directory / "old.txt").write_text("old")
    assert saved("whole", directory, PYTHONHASHSEED="1") == [iris.digest]
    assert contents(directory) == contents(iris.directory)
    assert [path.name for path in directory.parent.iterdir()] == ["artifact"]


def test_is_what_its_manifest_says(iris: Packaged, people: Packaged) -> None:
    """What was saved verifies under the digest that was returned, and holds these four files."""
    for packaged in (iris, people):
        verified = load.verify(packaged.directory, expected_digest=packaged.digest, name=packaged.name)
        assert sorted(verified.files) == ["golden.json", "model.joblib", "profile.json"]
        assert verified.manifest.signature == packaged.signature
        assert [file.path for file in verified.manifest.files] == sorted(verified.files)


def test_modules_are_named_with_their_digests(tmp_path: Path) -> None:
    """The modules of features/ that a model needs are in its manifest; one that is not there is refused."""
    packaged = models.prices(tmp_path / "prices")
    verified = load.verify(packaged.directory, expected_digest=packaged.digest)
    assert list(verified.manifest.features) == ["features.calendar"]
    assert verified.manifest.features["features.calendar"].startswith("sha256-")


def test_killed_while_writing(tmp_path: Path, iris: Packaged) -> None:
    """Killed before any of its five writes, it leaves the old artifact as it was; the next save succeeds."""
    old = models.echo(tmp_path / "old")
    directories = [tmp_path / f"killed {at}" / "artifact" for at in range(1, 7)]
    for directory in directories:
        shutil.copytree(old.directory, directory)
    assert saved("dying", *directories) == ["9"] * 5 + ["0"]
    for directory in directories[:5]:
        assert contents(directory) == contents(old.directory)
    assert contents(directories[5]) == contents(iris.directory)
    assert models.iris(directories[2]).digest == iris.digest
    assert [path.name for path in directories[2].parent.iterdir()] == ["artifact"]


def test_a_bad_name_writes_nothing(tmp_path: Path, iris: Packaged) -> None:
    """A model that cannot be named as its InferenceService is refused before anything is written."""
    rows = columns(frame_of(iris.signature, iris.rows))
    with pytest.raises(ConfigurationError, match="'Iris' cannot name a model"):
        save.save(
            tmp_path / "artifact",
            name="Iris",
            model=(iris.directory / "model.joblib").read_bytes(),
            signature=iris.signature,
            train=rows,
            holdout=rows,
            golden_rows=1,
            data_digest=iris.digest,
            parameters={},
            metrics={},
        )
    assert list(tmp_path.iterdir()) == []
