"""The Git remote: refusing, hanging, behind credentials, or answering once too few."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from artifact.errors import ConfigurationError, GitError
from artifact.git import redact
from local.git_server import GitServer
from release import backoff
from release.commands import adopt, status
from release.git.branch import Branch, Change, opened, tip, update
from release.git.client import Caller
from release.git.tip import Tip
from tests.deadlines import ANSWER_SECONDS
from tests.release.conftest import Repository, commit, everything, git

TOKEN = "AUTHORIZATION: basic c2VjcmV0"


def change(_: Tip) -> Change:
    return Change({"gitops/x": "x\n"}, "change x\n")


def hook(repository: Repository, name: str, script: str) -> None:
    """A server-side hook of the bare remote."""
    path = repository.origin / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt follows at once."""
    monkeypatch.setattr(backoff, "seconds", lambda attempt, longest: 0.0)


def test_refusal_says_who_and_why(plain: Repository, no_pauses: None) -> None:
    """A remote whose hook declines ends with 50 and the remote's own words; main stays."""
    hook(plain, "pre-receive", "echo one >> attempts; echo 'main is protected' >&2; exit 1")
    before = plain.history()
    with pytest.raises(GitError, match=rf"{plain.origin}.*main is protected") as refused:
        update(plain.branch(), change)
    assert refused.value.exit_code == 50
    assert (plain.origin / "attempts").read_text() == "one\n" * 5
    assert plain.history() == before


def test_missing_branch_is_refused(plain: Repository, no_pauses: None) -> None:
    """A branch that the remote does not have: 50, naming it."""
    with pytest.raises(GitError, match=r"branch release/x"):
        update(Branch(str(plain.origin), "release/x", Caller(plain.folder)), change)


def test_hanging_remote_ends(plain: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote that never answers ends with 50 when the time is up, and nothing of it keeps running."""
    pid = tmp_path / "pid"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"echo $$ > {pid}; sleep 600; true")
    start = time.monotonic()
    with pytest.raises(GitError, match=r"ssh://host\.invalid/x did not answer `git fetch` in time"):
        update(Branch("ssh://user:secret@host.invalid/x", "main", Caller(plain.folder), seconds=3.0), change)
    assert time.monotonic() - start < ANSWER_SECONDS
    while not ended(int(pid.read_text())):  # a killed process is there until the kernel has come to it
        assert time.monotonic() - start < ANSWER_SECONDS
        time.sleep(0.02)


def ended(number: int) -> bool:
    """Whether no process of this number runs: there is none, or nobody has asked yet how it ended."""
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_promised_time(plain: Repository) -> None:
    """The time for all the Git work of a command is below the promised 120 s."""
    assert plain.branch().seconds <= 110


def test_lost_answer_is_our_own_success(plain: Repository) -> None:
    """A push that went through although its answer was lost is recognised, also under somebody else's commit."""
    (plain.folder / "more").mkdir()
    hook(plain, "post-receive", "kill -9 $PPID")
    before = len(plain.history())
    ours = update(plain.branch(), change)
    assert plain.history()[0] == ours
    assert len(plain.history()) == before + 1


@pytest.fixture
def server(plain: Repository) -> Iterator[GitServer]:
    """The same remote over HTTP, for whoever has the token."""
    git(plain.origin, "config", "uploadpack.allowFilter", "true")
    git(plain.origin, "config", "http.receivepack", "true")
    running = GitServer(plain.origin.parent, authorization=TOKEN.partition(": ")[2])
    yield running
    running.close()


def test_token_of_the_checkout_is_used(
    plain: Repository, server: GitServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The header that actions/checkout keeps in the clone's configuration, or in a file of it, opens the remote."""
    url = f"{server.url}/origin.git"
    git(plain.folder, "remote", "set-url", "origin", url)
    remote = Branch(Caller(plain.folder).origin(), "main", Caller(plain.folder))
    with pytest.raises(GitError, match=re.escape(url)):
        update(remote, change)
    included = tmp_path / "credentials.config"
    git(plain.folder, "config", "--file", str(included), f"http.{server.url}/.extraheader", TOKEN)
    git(plain.folder, "config", f"includeIf.gitdir:{plain.folder}/.git.path", str(included))
    assert update(remote, change) == plain.history()[0]
    assert "c2VjcmV0" not in "".join(capfd.readouterr())


def test_reads_only_what_it_needs(plain: Repository, server: GitServer) -> None:
    """From a server that can filter, history comes without contents, and the clone still reads and pushes."""
    big = commit(plain.folder, "big", "x" * 100_000)
    git(plain.folder, "config", f"http.{server.url}/.extraheader", TOKEN)
    remote = Branch(f"{server.url}/origin.git", "main", Caller(plain.folder))
    with opened(remote) as clone:
        head = tip(clone, remote)
        assert head.commit == big
        assert head.precedes(plain.history()[-1], big)
        assert not head.precedes(big, plain.history()[-1])
        assert not head.precedes("0" * 40, big)
        assert clone.run("rev-list", "--objects", "--missing=print", "--all").count("?") > 5
        assert "takes" in (head.read("gitops/models/iris/production/environment.yaml") or "")
    update(remote, change)
    assert git(plain.origin, "show", "main:big") == "x" * 100_000
    git(plain.origin, "fsck", "--strict")


def test_the_files_of_all_models_are_brought_at_once(plain: Repository, server: GitServer) -> None:
    """From a server that can filter, reading every model takes no more requests than reading one."""
    requests = []
    for number in (3, 30):
        for item in range(number):
            adopt.adopt(plain.folder, f"flower{item}")
        commit(plain.folder, "here", str(number))
        git(plain.folder, "config", f"http.{server.url}/.extraheader", TOKEN)
        remote, before = Branch(f"{server.url}/origin.git", "main", Caller(plain.folder)), len(server.requests)
        assert len(status.read(remote)) == 2 * (number + 1)
        requests.append(len(server.requests) - before)
    assert requests[0] == requests[1]


def test_caller_s_git_environment_stays_outside(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a hook, where GIT_DIR and others name the caller's repository, the temporary clone is still its own."""
    for name, value in {"GIT_DIR": f"{plain.folder}/.git", "GIT_INDEX_FILE": "index", "GIT_TRACE": "1"}.items():
        monkeypatch.setenv(name, value)
    before = everything(plain.folder)
    ours = update(plain.branch(), change)
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_TRACE"):
        monkeypatch.delenv(name)
    assert plain.history()[0] == ours
    assert everything(plain.folder) == before


def test_only_gitops_is_written() -> None:
    """A change outside gitops/ is a mistake of ours."""
    with pytest.raises(ValueError, match="gitops/"):
        Change({"gitops/x": "", "params.yaml": ""}, "x")


def test_origin_may_be_a_relative_path(plain: Repository) -> None:
    """A relative path of `origin` is meant from the clone, not from the temporary one; without origin: 10."""
    git(plain.folder, "remote", "set-url", "origin", "../origin.git")
    assert Caller(plain.folder).origin() == str(plain.origin)
    git(plain.folder, "remote", "remove", "origin")
    with pytest.raises(ConfigurationError, match="git remote add origin"):
        Caller(plain.folder).origin()


def test_source_commit(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """GITHUB_SHA wins over HEAD; what is no commit is refused."""
    assert Caller(plain.folder).commit() == git(plain.folder, "rev-parse", "HEAD")
    monkeypatch.setenv("GITHUB_SHA", "a" * 40)
    assert Caller(plain.folder).commit() == "a" * 40
    monkeypatch.setenv("GITHUB_SHA", "--upload-pack=x")
    with pytest.raises(ConfigurationError):
        Caller(plain.folder).commit()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("fatal: 'https://user:ghp_x@host/a.git?token=t' no", "fatal: 'https://host/a.git' no"),
        ("ssh://git@host/a\nsecond", "ssh://host/a second"),
    ],
)
def test_credentials_are_taken_out(text: str, clean: str) -> None:
    """URLs in messages come without user, password and query."""
    assert redact(text) == clean
