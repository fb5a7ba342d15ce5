"""Publishing: complete or invisible, the same twice, and only what the gate passed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact import digest
from tests.conftest import Bucket
from tests.release.conftest import DATA, INPUTS, Repository, git, write_verdict

Publish = Callable[[int], str]
Make = Callable[[int], Path]


def test_publishes_once(repository: Repository, publish: Publish, make_artifact: Make, s3: Bucket) -> None:
    """The first publish writes each file under the digest, its papers elsewhere, and prints the URI; the second writes
    nothing and prints it."""
    (repository.folder / "dvc.lock").write_text("schema: '2.0'\n")
    name = digest.of_file(make_artifact(1) / "manifest.json")
    uri = publish(1)
    assert uri == f"s3://{s3.name}/models/iris/{name}/"
    files = [path.name for path in make_artifact(1).iterdir()]
    beside = [f"about/{name}/bom.cdx.json", f"about/{name}/card.html", f"runs/{INPUTS}/dvc.lock"]
    expected = sorted(f"models/iris/{path}" for path in [*(f"{name}/{file}" for file in files), *beside])
    assert s3.keys() == expected
    content = {key: s3.client.head_object(Bucket=s3.name, Key=key)["LastModified"] for key in expected}
    assert publish(1) == uri
    assert {key: s3.client.head_object(Bucket=s3.name, Key=key)["LastModified"] for key in expected} == content
    assert s3.keys() == expected


def test_metadata_says_where_it_comes_from(repository: Repository, publish: Publish, s3: Bucket) -> None:
    """The manifest's metadata names inputs, data, source commit and verdict; GITHUB_SHA wins over HEAD."""
    key = publish(1).removeprefix(f"s3://{s3.name}/") + "manifest.json"
    assert s3.client.head_object(Bucket=s3.name, Key=key)["Metadata"] == {
        "inputs-digest": INPUTS,
        "data-digest": DATA,
        "source-commit": git(repository.folder, "rev-parse", "HEAD"),
        "gate-result": "better",
    }


def test_missing_file_is_written_again(publish: Publish, s3: Bucket) -> None:
    """A file that vanished from a published artifact is back after the next publish."""
    key = publish(1).removeprefix(f"s3://{s3.name}/") + "profile.json"
    s3.client.delete_object(Bucket=s3.name, Key=key)
    publish(1)
    assert s3.keys(key) == [key]


@pytest.mark.parametrize("file", ["manifest.json", "model.joblib"])
def test_other_bytes_are_a_collision(
    repository: Repository, publish: Publish, make_artifact: Make, s3: Bucket, file: str
) -> None:
    """An object with the same key and size but other bytes ends the publish with 31 and is not overwritten."""
    key = publish(1).removeprefix(f"s3://{s3.name}/") + file
    body = bytes(len((make_artifact(1) / file).read_bytes()))
    s3.client.put_object(Bucket=s3.name, Key=key, Body=body)
    artifact = make_artifact(1)
    done = repository.release("publish", "--artifact", str(artifact), "--verdict", str(write_verdict(artifact)))
    assert done.code == 31
    assert key in done.err.splitlines()[-1]
    assert s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read() == body


@pytest.mark.parametrize(
    "changes",
    [
        {"passed": False, "outcome": "worse"},
        {"passed": False},
        {"passed": "true"},
        {"outcome": "worse"},
        {"model_digest": digest.of_bytes(b"another")},
        {"schema_version": 1},
        {"inputs_digest": None},
        {"inputs_digest": "../../x"},
        {"outcome": "BETTER"},
    ],
    ids=str,
)
def test_verdict_is_obeyed(plain: Repository, make_artifact: Make, changes: dict[str, object]) -> None:
    """Without a passed verdict on exactly this artifact nothing is written, S3 is not even asked: 41."""
    artifact = make_artifact(1)
    verdict = write_verdict(artifact, **changes)
    done = plain.release("publish", "--artifact", str(artifact), "--verdict", str(verdict))
    assert done.code == 41


def test_missing_verdict_is_no_verdict(plain: Repository, make_artifact: Make) -> None:
    """No verdict file: 41, nothing written."""
    done = plain.release("publish", "--artifact", str(make_artifact(1)), "--verdict", "nothing.json")
    assert done.code == 41


def test_damaged_artifact_is_refused(plain: Repository, make_artifact: Make, tmp_path: Path) -> None:
    """A directory whose files are not those of its manifest is not published: 20."""
    artifact = tmp_path / "damaged"
    shutil.copytree(make_artifact(1), artifact)
    (artifact / "golden.json").write_bytes(b"{}")
    done = plain.release("publish", "--artifact", str(artifact), "--verdict", str(write_verdict(artifact)))
    assert done.code == 20


def test_lock_of_the_first_run_stays(repository: Repository, publish: Publish, s3: Bucket) -> None:
    """Equal inputs with another dvc.lock publish all the same; the first lock stays."""
    (repository.folder / "dvc.lock").write_text("first")
    publish(1)
    (repository.folder / "dvc.lock").write_text("second")
    publish(2)
    stored = s3.client.get_object(Bucket=s3.name, Key=f"models/iris/runs/{INPUTS}/dvc.lock")
    assert stored["Body"].read() == b"first"
