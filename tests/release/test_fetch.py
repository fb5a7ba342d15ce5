"""What the pipeline asks of a release: an artifact brought here verified, what the bucket says of it, the champion."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact import load
from artifact.digest import ArtifactUri
from local.ports import free
from release.bucket.store import Patience
from tests.conftest import Bucket
from tests.release.answering import Answering
from tests.release.conftest import DATA, IMAGE, INPUTS, Repository, git
from tests.release.test_deploy import deploy

Publish = Callable[[int], str]


def champion(repository: Repository, code: int = 0) -> tuple[str, Path, Path]:
    """Run `release champion`: the last line it said, the artifact's folder, the record."""
    out, record = repository.folder / "build/champion", repository.folder / "build/champion.json"
    done = repository.release("champion", "--out", str(out), "--record", str(record))
    assert done.code == code, done.err
    return (done.out or done.err).splitlines()[-1], out, record


def test_the_artifact_comes_whole(repository: Repository, publish: Publish, tmp_path: Path) -> None:
    """`fetch` brings every file and verifies it; again it asks for nothing; another takes its place."""
    first, second = publish(1), publish(2)
    out = tmp_path / "here" / "artifact"
    for uri in (first, second):
        assert repository.release("fetch", uri, "--out", str(out)).code == 0
        load.verify(out, expected_digest=ArtifactUri.parse(uri).digest, name="iris")
    assert "already" in repository.release("fetch", second, "--out", str(out)).out
    assert [path.name for path in out.parent.iterdir()] == ["artifact"]


def test_a_spoiled_object_changes_nothing(repository: Repository, publish: Publish, s3: Bucket, tmp_path: Path) -> None:
    """One object with other bytes, or gone, is 20, and the folder holds what it held."""
    first, second = publish(1), publish(2)
    out = tmp_path / "here" / "artifact"
    repository.release("fetch", first, "--out", str(out))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    key = ArtifactUri.parse(second).key + "model.joblib"
    s3.client.put_object(Bucket=s3.name, Key=key, Body=b"other")
    spoiled = repository.release("fetch", second, "--out", str(out))
    s3.client.delete_object(Bucket=s3.name, Key=key)
    missing = repository.release("fetch", second, "--out", str(out))
    assert (spoiled.code, missing.code) == (20, 20)
    assert "model.joblib has 5 bytes" in spoiled.err
    assert "the bucket holds no model.joblib" in missing.err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in out.parent.iterdir()] == ["artifact"]


def test_a_persons_folder_stays(repository: Repository, publish: Publish, tmp_path: Path) -> None:
    """A folder that holds something else than an artifact is refused and kept."""
    (tmp_path / "notes.txt").write_text("mine")
    done = repository.release("fetch", publish(1), "--out", str(tmp_path))
    assert done.code == 10
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_the_bucket_says(repository: Repository, publish: Publish, s3: Bucket) -> None:
    """`show` says digest, inputs, data, commit, verdict and files, for a person and as JSON; without a manifest 20."""
    uri = publish(1)
    content = json.loads(repository.release("show", uri, "--json").out)
    assert (content["uri"], content["digest"]) == (uri, ArtifactUri.parse(uri).digest)
    assert (content["inputs_digest"], content["data_digest"]) == (INPUTS, DATA)
    assert content["source_commit"] == git(repository.folder, "rev-parse", "HEAD")
    assert {"model.joblib", "golden.json", "profile.json"} <= {file["path"] for file in content["files"]}
    assert f"uri: {uri}" in repository.release("show", uri).out.splitlines()
    s3.client.delete_object(Bucket=s3.name, Key=ArtifactUri.parse(uri).key + "manifest.json")
    assert repository.release("show", uri).code == 20


def test_no_champion_needs_no_network(plain: Repository) -> None:
    """Before the first deploy there is none: no bucket is asked, and an artifact that was there is gone."""
    stale = plain.folder / "build/champion"
    stale.mkdir(parents=True)
    (stale / "manifest.json").write_text("{}")
    output, out, record = champion(plain)
    assert output == "iris has no champion yet"
    assert not out.exists()
    assert json.loads(record.read_text()) == {
        "schema_version": 1,
        "model": "iris",
        "environment": None,
        "champion": None,
        "quarantined": [],
    }


def test_the_champion_is_what_git_pins(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch, cluster: Answering
) -> None:
    """Production's release, else staging's; from the checkout, or from the branch when RECORDS_FROM says so."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    assert "no champion" in champion(repository)[0]  # the checkout is behind
    monkeypatch.setenv("RECORDS_FROM", "branch")
    assert champion(repository)[0].endswith("of staging is the champion")
    done = repository.release("deploy", "--env", "production", "--uri", second, "--image", IMAGE)
    assert champion(repository)[0].endswith("of staging is the champion")  # what is to be proved serves nobody
    assert done.code == 0, done.err
    done = repository.release("promote", "--env", "production", "--gateway", cluster.url)
    assert done.code == 0, done.err
    output, out, record = champion(repository)
    digest = ArtifactUri.parse(second).digest
    content = json.loads(record.read_text())
    assert output == f"{content['champion']['name']} of production is the champion"
    assert (content["environment"], content["champion"]["uri"], content["champion"]["data_digest"]) == (
        "production",
        second,
        DATA,
    )
    load.verify(out, expected_digest=digest, name="iris")
    monkeypatch.setenv("RECORDS_FROM", "kept")
    assert "is kept as it is" in champion(repository)[0]
    record.unlink()
    assert "set it to `branch`" in champion(repository, code=10)[0]
    monkeypatch.setenv("RECORDS_FROM", "memory")
    assert "set it to `tree`, `branch` or `kept`" in champion(repository, code=10)[0]


def test_a_champion_that_is_lost_is_not_none(
    repository: Repository, publish: Publish, s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the bucket lacks is 20, a bucket that cannot be reached 30; neither passes for a first deployment."""
    uri = publish(1)
    deploy(repository, uri)
    git(repository.folder, "pull", "--quiet", "origin", "main")
    s3.client.delete_object(Bucket=s3.name, Key=ArtifactUri.parse(uri).key + "manifest.json")
    _, out, record = champion(repository, code=20)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free(1)[0]}")
    monkeypatch.setattr(
        "release.bucket.store.PATIENCE", Patience(last_start=0.0)
    )  # one attempt: the bounds have tests of their own
    champion(repository, code=30)
    assert not record.exists()
    assert not out.exists()


def test_the_tree_answers_offline(plain: Repository) -> None:
    """`status --tree` reads gitops/ here; the remote may be gone."""
    shutil.rmtree(plain.origin)
    content = json.loads(plain.release("status", "--tree", "--json").out)
    assert [(entry["model"], entry["environment"]) for entry in content] == [
        ("iris", "production"),
        ("iris", "staging"),
    ]
