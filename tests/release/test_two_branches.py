"""Production on a branch, or in a repository, of its own, each written by an identity of its own.

A hook of the real Git remote stands in for GitHub's ruleset: it lets only `PUSHER=production` write production's
branch. What GitHub does with its own rules is not tested here.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from release.evidence import reports
from release.gitops import quarantine
from release.gitops.quarantine import Quarantined
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, Repository, Run, commit, git
from tests.release.steps import digest_of

Publish = Callable[[int], str]
MODEL = "gitops/models/iris"
_RULESET = """\
#!/bin/sh
while read -r old new ref; do
  test "$ref" != refs/heads/{branch} || test "$PUSHER" = production || {{ echo "only production's App" >&2; exit 1; }}
done
"""


@dataclass
class Apart:
    """A repository whose production is on the branch `live` of `remote`."""

    repository: Repository
    remote: Path

    def run(self, *arguments: str, code: int = 0) -> Run:
        done = self.repository.release(*arguments)
        assert done.code == code, done.err or done.out
        return done

    def heads(self) -> tuple[str, str]:
        """The commits of main and live."""
        return git(self.repository.origin, "rev-parse", "main"), git(self.remote, "rev-parse", "live")

    def changed(self, before: tuple[str, str]) -> tuple[list[str], list[str]]:
        """The files under the model's folder that changed on main and on live since `before`."""
        branches = ((self.repository.origin, before[0], "main"), (self.remote, before[1], "live"))
        listed = [git(folder, "diff", "--name-only", old, name).split() for folder, old, name in branches]
        return (
            [entry.removeprefix(f"{MODEL}/") for entry in listed[0]],
            [entry.removeprefix(f"{MODEL}/") for entry in listed[1]],
        )

    def barred(self) -> tuple[tuple[Quarantined, ...], tuple[Quarantined, ...]]:
        """The quarantine of main and that of live."""
        path = f"{MODEL}/quarantine.yaml"
        texts = git(self.repository.origin, "show", f"main:{path}"), git(self.remote, "show", f"live:{path}")
        return quarantine.parse(texts[0], path), quarantine.parse(texts[1], path)

    def serving(self) -> dict[str, str | None]:
        """Environment → URI of its stable release, as status has it."""
        listed = json.loads(self.run("status", "--json").out)
        assert [entry["environment"] for entry in listed] == ["production", "staging"]
        return {entry["environment"]: entry["stable"] and entry["stable"]["uri"] for entry in listed}


@pytest.fixture(params=["branch", pytest.param("repository", marks=pytest.mark.story)])
def apart(repository: Repository, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Apart:
    remote, chosen = repository.origin, ["--production-branch", "live"]
    if request.param == "repository":
        remote = repository.folder.parent / "production.git"
        git(remote.parent, "init", "--quiet", "--bare", "--template=", "--initial-branch=live", str(remote))
        chosen += ["--production-remote", str(remote)]
    git(repository.folder, "push", "--quiet", str(remote), "HEAD:live")
    hook = remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_RULESET.format(branch="live"))
    hook.chmod(0o755)
    assert repository.release("configure", *chosen).code == 0
    monkeypatch.setenv("PUSHER", "staging")
    return Apart(repository, remote)


@pytest.fixture
def cluster(apart: Apart, cluster: Answering) -> Answering:
    """Staging's cluster follows main, production's follows live."""
    cluster.elsewhere["production"] = (apart.remote, "live")
    return cluster


def deploy(apart: Apart, uri: str, environment: str, *more: str, code: int = 0) -> Run:
    return apart.run("deploy", "--env", environment, "--uri", uri, "--image", IMAGE, *more, code=code)


def test_each_environment_is_changed_on_its_branch_alone(
    apart: Apart, publish: Publish, cluster: Answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Deploys, --from, status, champion: each reads an environment on its branch and commits to that of its own."""
    first = publish(1)
    before = apart.heads()
    deploy(apart, first, "staging")
    assert apart.changed(before) == (["staging/record.yaml", "staging/release.yaml"], [])
    refused = apart.run("deploy", "--env", "production", "--from", "staging", "--from-gateway", cluster.url, code=50)
    assert "only production's App" in refused.err
    assert apart.changed(before)[1] == []

    monkeypatch.setenv("PUSHER", "production")
    staging = apart.heads()
    wait = ("--wait", "30", "--gateway", cluster.url)
    apart.run("deploy", "--env", "production", "--from", "staging", "--from-gateway", cluster.url, *wait)
    assert apart.changed(staging) == ([], ["production/record.yaml", "production/release.yaml"])
    assert apart.serving() == {"production": first, "staging": first}

    monkeypatch.setenv("RECORDS_FROM", "branch")
    record = tmp_path / "champion.json"
    apart.run("champion", "--out", str(tmp_path / "champion"), "--record", str(record))
    assert json.loads(record.read_text())["environment"] == "production"
    assert first in apart.run("references").out.split()

    # What production is rendered from is its own branch's: an edit of main leaves its proof.
    commit(apart.repository.folder, f"{MODEL}/production/kustomization.yaml", "resources: [other.yaml]\n")
    (proof,) = json.loads(apart.run("status", "--json").out)[0]["proofs"].values()
    assert proof == "proved"


def test_the_branch_that_takes_says_how_the_other_is_seen(
    apart: Apart, publish: Publish, cluster: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What main's evidence.yaml says of staging is not asked for production's sake; what live's says is."""
    monkeypatch.setenv("PUSHER", "production")
    for name in reports.TOKENS:
        monkeypatch.delenv(name, raising=False)
    deploy(apart, publish(1), "staging")
    command = ("deploy", "--env", "production", "--from", "staging")
    witness = "staging: {from: argocd, repository: acme/ml, app: 1}\n"
    commit(apart.repository.folder, "gitops/settings/evidence.yaml", witness)
    assert "not seen healthy in staging" in apart.run(*command, code=41).err
    git(apart.repository.folder, "push", "--quiet", str(apart.remote), "HEAD:live")
    assert "no token is set" in apart.run(*command, code=10).err


@pytest.mark.story
def test_a_quarantine_is_a_commit_on_each_branch_and_holds_from_the_first(
    apart: Apart, publish: Publish, cluster: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Production's branch first; what only one branch says bars everywhere; the same command does what is left."""
    monkeypatch.setenv("PUSHER", "production")
    first, second = publish(1), publish(2)
    for uri in (first, second):
        deploy(apart, uri, "production", "--wait", "30", "--gateway", cluster.url)
        deploy(apart, uri, "staging")
    bad = digest_of(second)

    # Killed after the first commit: main takes none.
    hook = apart.repository.origin / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ntest "$1" != refs/heads/main\n')
    hook.chmod(0o755)
    apart.run("quarantine", bad, "--reason", "it hurts", code=50)
    assert apart.serving() == {"production": first, "staging": second}
    hook.unlink()
    assert "is in quarantine" in deploy(apart, second, "staging", code=41).err

    before = apart.heads()
    output = apart.run("quarantine", bad, "--reason", "again").out
    assert "nothing to do" in output
    assert sorted(apart.changed(before)[0]) == ["quarantine.yaml", "staging/record.yaml", "staging/release.yaml"]
    assert apart.changed(before)[1] == []
    assert apart.serving() == {"production": first, "staging": first}
    main, live = apart.barred()
    assert main == live
    assert [entry.reason for entry in main] == ["it hurts"]

    monkeypatch.setenv("PUSHER", "staging")
    before = apart.heads()
    apart.run("unquarantine", bad, code=50)
    assert apart.heads() == before
    monkeypatch.setenv("PUSHER", "production")
    apart.run("unquarantine", bad)
    assert apart.barred() == ((), ())


def test_stagings_identity_bars_and_moves_staging_alone(
    apart: Apart, publish: Publish, cluster: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --env staging, or by a rollback there, production is told and left; its own deploy refuses the release."""
    first, second = publish(1), publish(2)
    for uri in (first, second):
        deploy(apart, uri, "staging")
    before = apart.heads()
    apart.run("rollback", "--env", "staging")
    assert (apart.changed(before)[1], apart.serving()["staging"]) == ([], first)
    assert [len(entries) for entries in apart.barred()] == [1, 0]
    monkeypatch.setenv("PUSHER", "production")
    assert "is in quarantine" in deploy(apart, second, "production", code=41).err


def test_check_of_a_branch_leaves_out_what_lives_elsewhere(apart: Apart, publish: Publish) -> None:
    """On main, a copy of production's folder that is wrong fails `check`, and not `check --branch main`."""
    (apart.repository.folder / MODEL / "production/release.yaml").write_text("# by hand\n")
    assert "iris in production" in apart.run("check", code=41).err
    assert apart.run("check", "--branch", "main").out == "iris in staging: holds"
    assert "iris in production" in apart.run("check", "--branch", "live", code=41).err
    assert "iris in production" in apart.run("check", "--branch", "topic", code=41).err


def test_a_batch_is_of_one_branch(apart: Apart, publish: Publish, tmp_path: Path) -> None:
    """Lines of another branch are refused, since a batch is one commit; those of one go there, each upon the last."""
    first, second, file = publish(1), publish(2), tmp_path / "lines"
    file.write_text(
        "".join(
            f"deploy --uri {first} --image {IMAGE} --env {environment}\n" for environment in ("staging", "production")
        )
    )
    before = apart.heads()
    assert "changes another branch" in apart.run("batch", str(file), code=10).err
    assert apart.heads() == before
    file.write_text("".join(f"deploy --uri {uri} --image {IMAGE} --env staging\n" for uri in (first, second)))
    apart.run("batch", str(file))
    assert apart.changed(before) == (["staging/record.yaml", "staging/release.yaml"], [])
    assert apart.serving()["staging"] == second
    apart.run("rollback", "--env", "staging")
    assert apart.serving()["staging"] == first
