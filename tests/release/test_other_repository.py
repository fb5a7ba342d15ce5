"""gitops/ in a repository, on a branch and under a path of its own: every command goes there and nowhere else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from release.gitops import record
from tests.release.conftest import IMAGE, Repository, everything, git


def test_deploy_status_and_rollback(
    repository: Repository, publish: Callable[[int], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With remote, branch and path set, deploy, status, rollback and champion go there; this one stays as it is."""
    other, seed = repository.folder.parent / "other.git", repository.folder.parent / "seed"
    git(seed.parent, "init", "--quiet", "--bare", "--template=", "--initial-branch=live", str(other))
    git(seed.parent, "clone", "--quiet", "--template=", str(other), str(seed))
    shutil.copytree(repository.folder / "gitops", seed / "clusters/eu")
    git(seed, "checkout", "--quiet", "-B", "live")
    git(seed, "add", "--all")
    git(seed, "commit", "--quiet", "--message", "from the template")
    git(seed, "push", "--quiet", "origin", "live")
    chosen = ("--gitops-remote", str(other), "--gitops-branch", "live", "--gitops-path", "clusters/eu")
    assert repository.release("configure", *chosen).code == 0
    first, second = publish(1), publish(2)
    current, there = everything(repository.origin), git(other, "rev-parse", "live")

    for uri in (first, second):
        done = repository.release("deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
        assert done.code == 0, done.err
    content = json.loads(repository.release("status", "--json").out)
    assert [(entry["environment"], entry["stable"] and entry["stable"]["uri"]) for entry in content] == [
        ("production", None),
        ("staging", second),
    ]
    done = repository.release("rollback", "--env", "staging")
    assert done.code == 0, done.err

    monkeypatch.setenv("RECORDS_FROM", "branch")
    out, message = tmp_path / "champion", tmp_path / "champion.json"
    done = repository.release("champion", "--out", str(out), "--record", str(message))
    assert done.code == 0, done.err
    champion = json.loads(message.read_text())
    assert (champion["champion"]["uri"], len(champion["quarantined"])) == (first, 1)

    folder = "clusters/eu/models/iris/staging"
    state = record.parse(git(other, "show", f"live:{folder}/record.yaml"), folder)
    assert state.stable is not None
    assert state.stable.uri == first
    changed = git(other, "diff", "--name-only", there, "live").split()
    assert set(changed) == {
        f"{folder}/record.yaml",
        f"{folder}/release.yaml",
        "clusters/eu/models/iris/quarantine.yaml",
    }
    assert everything(repository.origin) == current
