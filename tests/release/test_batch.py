"""Many commands, one commit."""

from collections.abc import Callable

import pytest

from release import change
from release.git.branch import Branch, Change
from release.git.tip import Tip
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, commit, git

STAGING = "gitops/models/iris/staging/record.yaml"


def run(repository: Repository, text: str, *options: str) -> tuple[int, str, str]:
    file = repository.folder.parent / "batch.txt"
    file.write_text(text)
    done = repository.release("batch", str(file), *options)
    return done.code, done.out, done.err


@pytest.fixture
def deploys(repository: Repository, publish: Callable[[int], str]) -> str:
    """Lines that deploy to staging twice, the second release as a canary, and prove nothing."""
    first, second = publish(1), publish(2)
    return (
        f"# two releases\ndeploy --env staging --uri {first} --image {IMAGE}\n\n"
        f"deploy --env staging --uri {second} --image {OTHER_IMAGE} --canary 20 --reason 'a second one'\n"
    )


def test_each_line_is_decided_from_the_lines_before_and_one_commit_is_pushed(
    repository: Repository, deploys: str
) -> None:
    """A canary needs the stable release of the line before it; lineage finds both by the one commit's trailers."""
    before = repository.history()
    code, out, err = run(repository, deploys + "advance --env staging --to 50\n", "--reason", "a drill")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("release 3 changes at once: 2 deploy, 1 advance, commit ")
    assert repository.history()[1:] == before
    assert "percent: 50" in repository.text_of(STAGING)
    message = git(repository.origin, "log", "-1", "--format=%B", "main")
    assert message.count("\nModel-Digest: sha256-") == 3
    assert "\nRelease-Command: batch\n" in message
    assert "\nRelease-Reason: a drill" in message
    parsed = git(repository.origin, "log", "-1", "--format=%(trailers:key=Release,valueonly)", "main").split()
    assert len(set(parsed)) == 2


def test_a_refused_line_refuses_all(repository: Repository, deploys: str) -> None:
    """Nothing is pushed; the error has the line's number, its words, and the code that it would have by itself."""
    before = repository.history()
    code, _, err = run(repository, deploys + "rollback --env production\n")
    assert code == 10
    assert "error: line 5, `rollback --env production`: " in err
    assert repository.history() == before


def test_keep_going_commits_the_other_lines(repository: Repository, deploys: str) -> None:
    """Each refusal is said, and the exit code is the first one's."""
    code, out, err = run(repository, "promote --env production\n" + deploys, "--keep-going")
    assert code == 10
    assert err.count("error: line 1, `promote --env production`: ") == 1
    assert "release 2 changes at once: 2 deploy, commit " in out
    assert "percent: 20" in repository.text_of(STAGING)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the batch holds no command"),
        ("deploy --env staging --wait 5", "line 1, `deploy --env staging --wait 5`: --wait is not for a line"),
        ("\npublish", "line 2, `publish`: a batch takes deploy, "),
        ("advance", "line 1, `advance`: "),
        ("advance 'x", "line 1, `advance 'x`, is not a command line"),
    ],
)
def test_what_is_no_batch_is_a_usage_error(repository: Repository, text: str, message: str) -> None:
    """The exit code is 2 and the line is named, before anything is decided."""
    code, _, err = run(repository, text)
    assert code == 2
    assert message in err


def test_a_dry_run_shows_the_commit(repository: Repository, deploys: str) -> None:
    """Message and diff of the whole, and nothing is pushed."""
    before = repository.history()
    code, out, _ = run(repository, deploys, "--dry-run")
    assert code == 0
    assert "release 2 changes at once: 2 deploy\n" in out
    assert "+++ b/gitops/models/iris/staging/release.yaml" in out
    assert repository.history() == before


def moving(monkeypatch: pytest.MonkeyPatch, move: Callable[[], object]) -> None:
    """Let somebody else push, by `move`, after the batch was decided for the first time."""
    real, rounds = change.update, []

    def update(branch: Branch, decide: Callable[[Tip], Change | None]) -> str | None:
        def decided(tip: Tip) -> Change | None:
            result = decide(tip)
            rounds.append(tip)
            if len(rounds) == 1:
                monkeypatch.setattr(change, "update", real)
                move()
            return result

        return real(branch, decided)

    monkeypatch.setattr(change, "update", update)


def test_a_branch_that_moves_has_the_batch_decided_again(
    repository: Repository, deploys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's push in between is kept, and each change is made once."""
    moving(monkeypatch, lambda: commit(repository.folder, "README.md", "a person was here"))
    code, out, err = run(repository, deploys)
    assert (code, err) == (0, "")
    assert out.count("2: iris") == 1
    assert git(repository.origin, "log", "-1", "--format=%s", "main^") == "change README.md"


def test_a_model_that_somebody_else_changed_is_not_decided_again(
    repository: Repository, deploys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looked at what the line would do now: 50, as of a command by itself."""
    assert run(repository, deploys)[0] == 0
    moving(monkeypatch, lambda: repository.release("promote", "--env", "staging"))
    code, _, err = run(repository, "rollback --env staging\n")
    assert code == 50
    assert "line 1, `rollback --env staging`: iris in staging changed while this was decided" in err
