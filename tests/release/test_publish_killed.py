"""A publish that is killed leaves nothing that looks finished, and the next one finishes it."""

import functools
import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from artifact.digest import ArtifactUri
from release import published, settings
from release.settings import Settings
from release.store import Store
from tests.conftest import Bucket
from tests.release.conftest import Repository, write_verdict

HOOKS = {"before": "before-send.s3", "after": "needs-retry.s3"}


def kill_at(event: str, number: int) -> None:
    """End this process with SIGKILL at the `number`-th request of an S3 client made from now on."""
    numbers = itertools.count(1)

    def handler(**_: Any) -> None:
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register(event, handler)


def complete(s3: Bucket, prefix: str, files: int) -> bool:
    """Whether the prefix holds a manifest; fails when one stands over missing files."""
    keys = s3.keys(f"{prefix}/iris/sha256-")
    manifest = any(key.endswith("/manifest.json") for key in keys)
    assert not manifest or len(keys) == files
    return manifest


def test_killed_around_each_request(
    repository: Repository,
    make_artifact: Callable[[int], Path],
    s3: Bucket,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed before or after any S3 request: never a manifest over missing files; the rerun completes the artifact."""
    artifact = make_artifact(1)
    command = ("publish", "--artifact", str(artifact), "--verdict", str(write_verdict(artifact)))
    (repository.folder / "dvc.lock").write_text("lock")
    requests: list[None] = []
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register(HOOKS["before"], lambda **_: requests.append(None))
    assert repository.release(*command).code == 0
    boto3.DEFAULT_SESSION = None
    files = len(list(artifact.iterdir()))
    assert len(requests) == files + 1

    states = []
    points = list(itertools.product(range(1, len(requests) + 1), HOOKS))
    for number, when in points:
        chosen = Settings(bucket=s3.name, prefix=f"{when}-{number}")
        (repository.folder / settings.PATH).write_text(settings.render(chosen))
        process = repository.fork(*command, before=functools.partial(kill_at, HOOKS[when], number))
        process.join()
        assert process.exitcode == -signal.SIGKILL
        states.append(complete(s3, chosen.prefix, files))
        again = repository.release(*command)
        assert again.code == 0, again.err
        assert published.find(Store(chosen), ArtifactUri.parse(again.out)).gate == "better"
    assert states == [False] * (len(points) - 1) + [True]  # complete only after the last answer
    with capsys.disabled():
        print(f" {len(points)} points ", end="")
