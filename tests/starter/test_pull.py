"""The raw data comes from the DVC remote, verified."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Bucket
from tests.pipeline.repository import Repository

NOBODY = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}


@pytest.mark.story
def test_the_data_of_params_is_pulled_and_verified(fresh: Repository, s3: Bucket) -> None:
    """The bytes that were pushed come back; bytes changed in the bucket do not, and end with 20; none at all is 30."""
    table = fresh.path / "data/iris.csv"
    pushed = table.read_bytes()
    fresh.done("dvc", "remote", "modify", "storage", "url", f"s3://{s3.name}/dvc", **s3.env)
    fresh.done("dvc", "commit", "-f", "data/iris.csv.dvc", **s3.env)
    fresh.done("dvc", "push", "data/iris.csv.dvc", **s3.env)

    def forget() -> None:
        shutil.rmtree(fresh.path / ".dvc/cache")
        table.unlink(missing_ok=True)

    forget()
    fresh.done("starter", "pull", **s3.env)
    assert table.read_bytes() == pushed

    forget()
    (key,) = s3.keys("dvc/")
    s3.client.put_object(Bucket=s3.name, Key=key, Body=pushed.replace(b"5.1", b"5.2"))
    tampered = fresh.run("starter", "pull", **s3.env)
    assert tampered.returncode == 20
    lines = tampered.stderr.splitlines()[-1]
    assert f"{s3.name}/{key} is not what data/iris.csv.dvc names" in lines
    assert "dvc push data/iris.csv.dvc" in lines
    assert not table.exists()

    s3.client.delete_object(Bucket=s3.name, Key=key)
    missing = fresh.run("starter", "pull", **s3.env)
    assert missing.returncode == 30
    assert "data/iris.csv.dvc cannot be pulled" in missing.stderr.splitlines()[-1]

    unreachable = fresh.run(
        "starter", "pull", **s3.env | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    )
    assert unreachable.returncode == 30
    assert "the remote of .dvc/config is not reachable" in unreachable.stderr.splitlines()[-1]
    nobody = {
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    keyless = fresh.run("starter", "pull", **nobody, AWS_ENDPOINT_URL=s3.env["AWS_ENDPOINT_URL"])
    assert keyless.returncode == 30
    assert "there are no credentials for the remote of .dvc/config: set AWS_PROFILE" in keyless.stderr.splitlines()[-1]
    assert not table.exists()
    assert not (fresh.path / "build").exists()


def test_data_that_is_not_under_dvc_is_named(fresh: Repository) -> None:
    """Exit 10 with the command that puts it there."""
    (fresh.path / "data/iris.csv.dvc").unlink()
    refused = fresh.run("starter", "pull")
    assert refused.returncode == 10
    assert "dvc add data/iris.csv`" in refused.stderr
