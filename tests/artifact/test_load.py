"""Loading: every broken artifact is refused with its own exit code, before a byte of it is deserialised."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import load
from artifact.errors import ConfigurationError, IntegrityError
from artifact.validation.frame import of as frame_of
from tests.artifact import tampering
from tests.artifact.tampering import Spoilt
from tests.deadlines import START_SECONDS
from tests.predictor.models import Packaged

ROOT = Path(__file__).parents[2]
# The only ways to spoil an artifact that are seen in the model itself, when its bytes are proved.
READ = ("good", "command in the model", "golden answers changed")


@pytest.fixture(scope="module")
def spoilt(iris: Packaged, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Spoilt]:
    """Every broken artifact, and under 'good' the whole one."""
    good = Spoilt(str(iris.directory), iris.digest, ConfigurationError, ())
    return {"good": good, **tampering.spoil(iris.directory, iris.digest, tmp_path_factory.mktemp("spoilt"))}


@pytest.fixture(scope="module")
def watched(spoilt: dict[str, Spoilt]) -> dict[str, Any]:
    """How each load ended and what ran meanwhile, seen from an audit hook in a process of its own."""
    requests = {
        title: {"directory": case.directory, "expected_digest": case.expected_digest, "name": case.name}
        for title, case in spoilt.items()
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.artifact.watched"],
        cwd=ROOT,
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_every_way_to_spoil_it_is_refused(spoilt: dict[str, Spoilt], watched: dict[str, Any]) -> None:
    """Each broken artifact ends in the class and exit code of its kind, with a line that says value and remedy."""
    wrong = {}
    for title, case in spoilt.items():
        name, code, message = watched[title]["ended"]
        if title == "good":
            assert name == "loaded", message
        elif (name, code) != (case.error.__name__, case.error.exit_code) or not all(
            part in message for part in case.says
        ):
            wrong[title] = (name, code, message)
    assert not wrong
    assert len(spoilt) > 50


def test_nothing_is_deserialised_in_a_refusal(spoilt: dict[str, Spoilt], watched: dict[str, Any]) -> None:
    """No opcode of any pickle runs, no name is looked up, nothing starts, before integrity and versions are proved."""
    for title in set(spoilt) - set(READ):
        assert (watched[title]["opcodes"], watched[title]["acts"]) == (0, []), title


def test_the_watch_sees_a_load(watched: dict[str, Any]) -> None:
    """The watch counts opcodes and lookups where the model is read: what it does not see elsewhere did not happen."""
    assert watched["good"]["opcodes"] > 100
    assert any("LogisticRegression" in act for act in watched["good"]["acts"])
    assert watched["golden answers changed"]["opcodes"] > 100


def test_a_command_never_runs(spoilt: dict[str, Spoilt], watched: dict[str, Any]) -> None:
    """A model that asks for os.system is refused before that name is even looked up."""
    assert watched["command in the model"]["acts"] == []
    assert not (Path(spoilt["command in the model"].directory).parent / "ran").exists()


def test_a_signature_may_lie_beside(iris: Packaged, tmp_path: Path) -> None:
    """A signature of the manifest is no part of what the digest names: with one or another the same model loads."""
    directory = tmp_path / "signed"
    shutil.copytree(iris.directory, directory)
    for signed in (b"{}", b"another"):
        (directory / "manifest.json.sigstore.json").write_bytes(signed)
        assert load.load(directory, expected_digest=iris.digest).digest == iris.digest


def test_a_linked_directory_loads(iris: Packaged, tmp_path: Path) -> None:
    """The directory itself may be a link, or a link to a link, as kubelet mounts are; nothing in it may."""
    (tmp_path / "data").symlink_to(iris.directory)
    (tmp_path / "models").symlink_to(tmp_path / "data")
    loaded = load.load(tmp_path / "models", expected_digest=iris.digest, name="iris")
    assert loaded.digest == iris.digest


def test_loaded_model_predicts(iris: Packaged) -> None:
    """What was loaded gives the answers of the Pipeline that was packaged."""
    loaded = load.load(iris.directory, expected_digest=iris.digest)
    frame = frame_of(loaded.signature, iris.rows)
    prediction = loaded.runner.predict(frame)
    assert prediction.values.tolist() == iris.pipeline.predict(frame).tolist()
    assert prediction.probabilities is not None
    assert np.array_equal(prediction.probabilities, iris.pipeline.predict_proba(frame))


def test_a_digest_may_come_without_its_prefix(iris: Packaged) -> None:
    """64 hexadecimal characters name an artifact as well as `sha256-` and them."""
    assert load.verify(iris.directory, expected_digest=iris.digest.removeprefix("sha256-")).digest == iris.digest


def test_unpinned_is_a_choice(iris: Packaged, tmp_path: Path) -> None:
    """Without a digest an artifact loads only when that is allowed by name, and then it must still be whole."""
    assert load.load(iris.directory, expected_digest=None, allow_unpinned=True).digest == iris.digest
    shutil.copytree(iris.directory, tmp_path / "copy")
    (tmp_path / "copy" / "profile.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"profile\.json"):
        load.load(tmp_path / "copy", expected_digest=None, allow_unpinned=True)


def test_verify_reads_each_file_once(iris: Packaged) -> None:
    """The bytes that were hashed are the bytes that are handed on."""
    verified = load.verify(iris.directory, expected_digest=iris.digest)
    assert verified.files == {
        path.name: path.read_bytes() for path in iris.directory.iterdir() if path.name != "manifest.json"
    }
