"""Fixtures that more than one package's tests use. What is expensive starts once a session, and only when asked for."""

import functools
import gc
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# Until the tests run: what is imported and collected stays, and to look it through for garbage takes seconds.
gc.disable()

# Before anything imports numpy. With a thread a core, two workers have twice as many threads as there are cores, and
# OpenBLAS and OpenMP keep the waiting ones busy: a loop of histogram boosting takes minutes instead of a second.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Before anything imports gRPC. In a fork of a process that has a gRPC server it would start threads of its own again,
# and one of them may crash the command that a test runs in the fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# A shell starts what runs in the background with Ctrl-C ignored, and what tests start to be interrupted would be, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import botocore.session  # noqa: E402
import hypothesis  # noqa: E402
import pytest  # noqa: E402

from local.s3 import S3  # noqa: E402
from starter import origin  # noqa: E402
from tests.pipeline import commands  # noqa: E402
from tests.zoo.report import pytest_terminal_summary as pytest_terminal_summary  # noqa: E402

ROOT = Path(__file__).parents[1]
# The repository that stages run in: tests of packages that build on the pipeline use it, too.
pytest_plugins = ("tests.pipeline.fixtures",)

# A busy machine is slow, which is no failure; what hangs ends by pytest's own time limit.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@functools.cache
def _rfc3987_syntax() -> ModuleType:
    """The real module, in the place of `_later`."""
    del sys.modules[_later.__name__]
    return importlib.import_module(_later.__name__)


# jsonschema imports rfc3987_syntax for two formats, of which few schemas have any, and that compiles 38 grammars: two
# seconds of every process of pytest. With this it does when the first value of such a format is checked.
_later = ModuleType("rfc3987_syntax")
_later.is_valid_syntax = lambda *words: _rfc3987_syntax().is_valid_syntax(*words)  # type: ignore[attr-defined]
sys.modules.setdefault(_later.__name__, _later)

# Each test has a boto3 session of its own, for its keys, and each session would read the description of S3 again, which
# takes a tenth of a second.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_configure(config: pytest.Config) -> None:
    """What forks commands is shared by the workers, and ends with the process that starts these."""
    if not hasattr(config, "workerinput"):
        config.add_cleanup(commands.open_folder())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than there are cores: many tests wait, for a deadline or for what they started."""
    return len(os.sched_getaffinity(0)) + 2


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[pytest.CollectReport]:
    """Let each worker begin with other folders of tests: what one has compiled, the others read as bytecode."""
    report = yield
    if collector.path == ROOT / "tests":
        worker, workers = (os.environ.get(f"PYTEST_XDIST_{name}", "1") for name in ("WORKER", "WORKER_COUNT"))
        first = len(report.result) * int(worker.removeprefix("gw")) // int(workers)
        report.result = report.result[first:] + report.result[:first]
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What only a mark asks for is left out without that mark, and what takes longest comes first.

    A story is told, all of the zoo asked, and a sweep swept, when they are asked for. In a repository that `starter
    new` made, with a model of its own, what needs the example's files is skipped.
    """
    mark_expression = config.option.markexpr or ""
    chosen = [_is_chosen(item, mark_expression) for item in items]
    config.hook.pytest_deselected(items=[item for item, is_chosen in zip(items, chosen, strict=True) if not is_chosen])
    items[:] = itertools.compress(items, chosen)
    untold = pytest.mark.skip(reason="takes most of a minute: make test PYTEST_ARGS='-m story'")
    for item in items:
        if item.get_closest_marker("story") and not ("story" in mark_expression or "sweep" in mark_expression):
            item.add_marker(untold)
    if (ROOT / origin.FILE).exists():
        absent = pytest.mark.skip(reason="of the example as shipped, which this repository does not hold")
        for item in items:
            if item.get_closest_marker("example") or "shipped" in getattr(item, "fixturenames", ()):
                item.add_marker(absent)
    ranks = _ranks(items)
    items.sort(key=lambda item: (ranks[item.path], item.path))  # the same in all workers


def _is_chosen(item: pytest.Item, mark_expression: str) -> bool:
    """Whether the marks in `mark_expression` choose this one of the zoo, or of the repetitions of a story."""
    zoo, sweep = item.get_closest_marker("zoo"), item.get_closest_marker("sweep")
    if zoo is not None and "zoo" not in mark_expression:
        return bool(zoo.kwargs["sample"])
    return sweep is None or sweep.kwargs.get("sample", True) or "sweep" in mark_expression


def _ranks(items: list[pytest.Item]) -> dict[Path, int]:
    """The order of files: a worker takes a whole file, and none may be alone with a long one at the end.

    The image first, which takes minutes. Then one file of those that look at a whole training, whose worker trains;
    the zoo and artifacts, which keep the others at work meanwhile; then all that work in a copy of the repository.
    """
    fixtures: dict[Path, set[str]] = {}
    for item in items:
        fixtures.setdefault(item.path, set()).update(getattr(item, "fixturenames", ()))
    trained = sorted(path for path, names in fixtures.items() if "trained" in names)
    ranks = dict.fromkeys(fixtures, 4)
    for path, names in fixtures.items():
        if "built" in names:
            ranks[path] = 0
        elif path in trained:
            ranks[path] = 1 if path == trained[0] else 3
        elif path.is_relative_to(ROOT / "tests/zoo") or path.is_relative_to(ROOT / "tests/artifact"):
            ranks[path] = 2
        elif "shipped" in names:
            ranks[path] = 3
    return ranks


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Look for garbage again, but not among what was there before the first test."""
    gc.freeze()
    gc.enable()


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


@pytest.fixture(scope="session")
def s3_client(s3_server: S3) -> Any:
    """Its client: to make one takes longer than most tests use it."""
    return s3_server.client()


@pytest.fixture
def s3(s3_server: S3, s3_client: Any, s3_names: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket; its endpoint, keys and region are in os.environ while the test runs, for boto3 and DVC."""
    name = f"test-{next(s3_names)}"
    region = s3_client.meta.region_name
    s3_client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for variable, value in s3_server.env.items():
        monkeypatch.setenv(variable, value)
    return Bucket(name, s3_server.endpoint, s3_server.env, s3_client)
