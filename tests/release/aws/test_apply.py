"""`make aws`, with an `aws` that writes down what it is asked: AWS itself cannot run here."""

import subprocess
from pathlib import Path

import pytest

from release import settings
from release.aws import files
from release.gitops import folder as folders
from release.gitops.worktree import Worktree
from tests.release.conftest import ROOT


def run(folder: Path, reference: bool, **variables: str) -> tuple[str, list[str]]:
    """What `make aws` prints, and what it asked AWS where the roles are there or not."""
    aws, requests = folder / "aws", folder / "asked"
    requests.touch()
    aws.write_text(f'#!/bin/sh\necho "$@" >> {requests}\ntest "$2" != get-role || {str(reference).lower()}\n')
    aws.chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", **variables}
    done = subprocess.run(["make", "--silent", "aws"], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout, requests.read_text().splitlines()


@pytest.mark.parametrize(("reference", "verb"), [(False, "create-role"), (True, "update-assume-role-policy")])
def test_each_role_is_made_or_brought_up_to_date(tmp_path: Path, reference: bool, verb: str) -> None:
    """Every file in gitops/aws is applied: a trust and a policy for each role by its name, and the bucket's policy."""
    _, requests = run(tmp_path, reference)
    text = "\n".join(requests)
    for path in (ROOT / files.FOLDER).rglob("*.json"):
        assert f"file://{path.relative_to(ROOT)}" in text
    results = [line.split()[3] for line in requests if line.split()[1] == verb]
    namespaces = {folder.namespace for folder in folders.all_of(Worktree(ROOT))}
    names = {*files.ROLES, *(f"serving-{namespace}" for namespace in namespaces)}
    assert set(results) == {f"modelpin-{name}" for name in names}
    bucket = settings.read(ROOT).bucket
    assert requests[-1] == f"s3api put-bucket-policy --bucket {bucket} --policy file://gitops/aws/bucket.json"


def test_a_dry_run_asks_nobody(tmp_path: Path) -> None:
    """DRY_RUN=1 prints the commands and runs none."""
    output, requests = run(tmp_path, False, DRY_RUN="1")
    assert output.count("put-role-policy") == len(files.ROLES) + len(folders.all_of(Worktree(ROOT)))
    assert requests == []
