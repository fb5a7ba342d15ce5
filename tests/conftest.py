"""Fixtures that more than one package's tests use. What is expensive starts once a session, and only when asked for."""

import functools
import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before anything imports numpy. With a thread a core, two workers have twice as many threads as there are cores, and
# OpenBLAS and OpenMP keep the waiting ones busy: a loop of histogram boosting takes minutes instead of a second.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# A shell starts what runs in the background with Ctrl-C ignored, and what tests start to be interrupted would be, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import botocore.session  # noqa: E402
import hypothesis  # noqa: E402
import pytest  # noqa: E402

from local.s3 import S3  # noqa: E402
from starter import origin  # noqa: E402
from tests.zoo.report import pytest_terminal_summary as pytest_terminal_summary  # noqa: E402

ROOT = Path(__file__).parents[1]
# The repository that stages run in: tests of packages that build on the pipeline use it, too.
pytest_plugins = ("tests.pipeline.fixtures",)

# A busy machine is slow, which is no failure; what hangs ends by pytest's own time limit.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
# Each test has a boto3 session of its own, for its keys, and each session would read the description of S3 again, which
# takes a tenth of a second.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files whose tests copy or look at a whole training come first: what takes longest must not begin last.

    A story is told, and all of the zoo asked, when they are asked for. In a repository that `starter new` made, with a
    model of its own, what needs the example's files is skipped.
    """
    asked = config.option.markexpr or ""
    if "zoo" not in asked:
        marks = [item.get_closest_marker("zoo") for item in items]
        chosen = [mark is None or mark.kwargs["sample"] for mark in marks]
        config.hook.pytest_deselected(items=[item for item, kept in zip(items, chosen, strict=True) if not kept])
        items[:] = itertools.compress(items, chosen)
    untold = pytest.mark.skip(reason="takes most of a minute: make test PYTEST_ARGS='-m story'")
    for item in items:
        if item.get_closest_marker("story") and not ("story" in asked or "sweep" in asked):
            item.add_marker(untold)
    if (ROOT / origin.FILE).exists():
        absent = pytest.mark.skip(reason="of the example as shipped, which this repository does not hold")
        for item in items:
            if item.get_closest_marker("example") or "shipped" in getattr(item, "fixturenames", ()):
                item.add_marker(absent)
    long = {item.path for item in items if "trained" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in long)


@dataclass(frozen=True)
class Bucket:
    """An empty bucket of the embedded S3, this test's own."""

    name: str
    endpoint: str
    env: dict[str, str]  # AWS_ENDPOINT_URL, the keys and the region: for a subprocess
    client: Any  # boto3's S3 client

    def keys(self, prefix: str = "") -> list[str]:
        """The keys under `prefix`, sorted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """The embedded S3, started once a session."""
    with S3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_names() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def s3(s3_server: S3, s3_names: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket; its endpoint, keys and region are in os.environ while the test runs, for boto3 and DVC."""
    name = f"test-{next(s3_names)}"
    client = s3_server.client()
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": client.meta.region_name})
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for variable, value in s3_server.env.items():
        monkeypatch.setenv(variable, value)
    return Bucket(name, s3_server.endpoint, s3_server.env, client)
