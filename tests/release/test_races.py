"""Many runs at once on one remote: the newest serves, the history is a line, nothing is forced and nothing is lost."""

import json
import multiprocessing
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from local.git_server import GitServer
from release import settings
from release.settings import Settings
from tests.conftest import Bucket
from tests.release.conftest import IMAGE, Repository, commit, git, write_verdict
from tests.release.test_deploy import recorded

TOKEN = "basic c2VjcmV0"


def serve_http(repository: Repository) -> GitServer:
    """The remote over HTTP, as the settings of the clone name it from now on."""
    git(repository.origin, "config", "http.receivepack", "true")
    server = GitServer(repository.origin.parent, authorization=TOKEN)
    chosen = Settings(bucket=repository.bucket, gitops_remote=f"{server.url}/origin.git")
    (repository.folder / settings.PATH).write_text(settings.render(chosen))
    git(repository.folder, "config", f"http.{server.url}/.extraheader", f"Authorization: {TOKEN}")
    return server


def publisher(repository: Repository, source: str, verdict: Path, environment: str, message: Path) -> None:
    """One workflow run on the commit `source`: publish, then deploy; both codes and the last words into `message`."""
    os.environ["GITHUB_SHA"] = source
    done = repository.release("publish", "--artifact", str(verdict.with_name("artifact")), "--verdict", str(verdict))
    codes = [done.code]
    if done.code == 0:
        done = repository.release("deploy", "--env", environment, "--uri", done.out, "--image", IMAGE)
        codes.append(done.code)
    message.write_text(json.dumps({"codes": codes, "said": (done.out or done.err).splitlines()[-1]}))
    sys.exit(codes[-1])


@pytest.mark.parametrize(
    ("transport", "commits"),
    [
        pytest.param("file", 6, marks=pytest.mark.story),
        pytest.param("http", 6, marks=pytest.mark.story),
        ("http", 2),
    ],
)
def test_publishers_at_once(
    repository: Repository,
    make_artifact: Callable[[int], Path],
    s3: Bucket,
    tmp_path: Path,
    transport: str,
    commits: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Publishers of some commits to two environments, an old run and a person: the newest serves, none fails."""
    old = git(repository.folder, "rev-parse", "HEAD")
    sources = [commit(repository.folder, "code.py", str(number)) for number in range(commits)]
    start = len(repository.history())
    git(repository.origin, "config", "core.logAllRefUpdates", "always")
    server = serve_http(repository) if transport == "http" else None
    verdicts = [write_verdict(make_artifact(number)) for number in range(1, commits + 2)]
    runs = [(sources[n], verdicts[n], location) for n in range(commits) for location in ("staging", "production")]
    runs.append((old, verdicts[-1], "staging"))
    message = [tmp_path / f"told-{number}" for number in range(len(runs))]
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=publisher, args=(repository, *run, file))
        for run, file in zip(runs, message, strict=True)
    ]
    for process in processes:
        process.start()
    human = commit(repository.folder, "README", "a person's work")
    for process in processes:
        process.join()
    if server:
        server.close()

    ends = [json.loads(file.read_text()) for file in message]
    assert [end["codes"] for end in ends] == [[0, 0]] * len(runs), ends
    history = repository.history()
    results = [result[1] for end in ends if (result := re.search(r"commit (\w{12})$", end["said"]))]
    assert Counter(commit[:12] for commit in history[: len(history) - start]) == Counter([*results, human[:12]])
    assert all(end["said"].startswith("superseded") for end in ends if "commit" not in end["said"].split()[-2:])
    for environment in ("staging", "production"):
        result = recorded(repository, environment)
        newest = result.stable if environment == "staging" else result.candidate  # production waits for a proof
        assert newest is not None
        assert newest.run_commit == sources[-1]
        deployed = [end for end in ends if f"in {environment}, " in end["said"] and "commit" in end["said"]]
        assert len(result.releases) == len(deployed)
    # What the server saw: each update of main added one commit to what was there.
    updates = (repository.origin / "logs/refs/heads/main").read_text().splitlines()
    assert len(updates) == len(history) - start
    for before, after in (line.split()[:2] for line in updates):
        assert git(repository.origin, "rev-list", "--parents", "-1", after).split()[1:] == [before]
    with capsys.disabled():
        print(f" {transport}: {len(results)} deployed, {len(runs) - len(results)} superseded, all exit 0 ", end="")
