"""The pieces of the bench that can be wrong. No test says how fast anything is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from artifact.errors import ConfigurationError, UsageError
from bench import cores, goals, load, measure, page, plan, table, usage
from bench.environments import ROOT
from bench.examples import EXAMPLES
from bench.kinds import KINDS
from bench.package import Packaged, package
from bench.peers import PEERS, Site
from bench.requests import make
from bench.results import Resident, Results, Row, Start
from bench.server import RequestCounts, Server, parse_metrics
from tests.deadlines import START_SECONDS

needs_wrk = pytest.mark.skipif(
    not (shutil.which("wrk") and shutil.which("taskset")), reason="no wrk here: apt-get install wrk util-linux"
)
needs_taskset = pytest.mark.skipif(not shutil.which("taskset"), reason="no taskset here: apt-get install util-linux")
H2LOAD = "finished in 1.00s\ntraffic: 9.01KB (9228) total, 1.20KB (1230) headers (space savings 90%), {} data\n"


@dataclass(frozen=True)
class Here(Site):
    """Servers in this environment and from this tree, so that a test installs nothing."""

    @cached_property
    def kserve(self) -> Path:
        return Path(sys.executable)

    @cached_property
    def ours(self) -> tuple[Path, Path]:
        return Path(sys.executable), ROOT


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packaged]:
    folder = tmp_path_factory.mktemp("bench")
    return {name: package(name, EXAMPLES[name](), folder) for name in ("logistic", "mixed")}


@pytest.fixture(scope="session")
def servers(models: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """Both models on our predictor, and the mixed one on KServe's server, each with its first right answer given."""
    site = Here(tmp_path_factory.mktemp("work"))
    requests = (("ours", "logistic"), ("ours", "mixed"), ("kserve", "mixed"))
    with ExitStack() as stack:
        running = {
            f"{peer} {model}": stack.enter_context(
                Server(PEERS[peer], models[model], site, cores.choose().server, "test")
            )
            for peer, model in requests
        }
        for server in running.values():
            server.wait(KINDS["v2-1"])
        yield running


def row(peer: str, rate: float, **changes: Any) -> Row:
    """A row of the cell (logistic, v1-1, 8 connections)."""
    plain = Row("logistic", "v1-1", 8, peer, rate, 0.001, 0.006, 0.001, 0.95, 0.2, 0.0, 0, 1000)
    return replace(plain, **changes)


def test_wrk_result() -> None:
    """Rates count answers that are right, and any other answer, broken connection or time-out is a failure."""
    line = {
        "requests": 990,
        "microseconds": 1_100_000,
        "p50": 700,
        "p99": 9000,
        "status": 90,
        "socket": 2,
        "timeout": 1,
    }
    window = load.parse_wrk("Running 1s test\n" + json.dumps(line) + "\n", 0.3)
    assert (window.requests, window.seconds, window.failures) == (900, 1.1, 93)
    assert (window.p50, window.p99, window.client_cpu) == (0.0007, 0.009, 0.3)


def test_wrk_that_says_nothing() -> None:
    """A client that did not run is an error that shows what it said, not a rate of zero."""
    with pytest.raises(ConfigurationError, match="unable to connect"):
        load.parse_wrk("unable to connect to 127.0.0.1:1\n", 0)


def test_h2load_result() -> None:
    """Percentiles are exact, from the log of every request, in whatever order they ended."""
    log = "".join(f"1\t200\t{duration}\n" for duration in (*range(100, 50, -1), *range(1, 51)))
    window = load.parse_h2load(H2LOAD.format("(1000)"), log, 1.0, 10, 0.1)
    assert (window.requests, window.failures, window.p50, window.p99) == (100, 0, 50e-6, 99e-6)


def test_h2load_sees_failed_calls() -> None:
    """A gRPC call that fails has status 200 and no message: what the answers lack in bytes are failures."""
    log = "1\t200\t5\n" * 9 + "1\t503\t5\n"
    window = load.parse_h2load(H2LOAD.format("(60)"), log, 1.0, 10, 0.1)
    assert (window.requests, window.failures) == (6, 4)


def test_stat_of_a_strange_command() -> None:
    """A command with blanks and parentheses in its name does not shift the fields; ended children count."""
    fields = ["7", *["0"] * 9, "100", "50", "30", "20", *["0"] * 20]
    assert usage.parse_stat(f"42 (a) b (c) S {' '.join(fields)}") == usage.Stat(7, 200 / usage._TICK)


def test_cpu_of_children() -> None:
    """CPU time of a process includes that of its children, while they run and after."""
    burn = "import time\nwhile time.process_time() < 0.5: pass\n"
    lines = ("import subprocess, sys, time", f"subprocess.run([sys.executable, '-c', {burn!r}])", "print(flush=True)")
    outer = "\n".join([*lines, "time.sleep(60)"])
    with subprocess.Popen([sys.executable, "-c", outer], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        running = 0.0
        while running < 0.2:
            running = usage.cpu_seconds(process.pid)
            time.sleep(0.02)
        process.stdout.readline()
        assert usage.cpu_seconds(process.pid) >= 0.4
        assert usage.memory(process.pid).rss >= usage.memory(process.pid).pss > 1e6
        process.kill()


@needs_taskset
@pytest.mark.parametrize("kind", ["v1-1", "v2-1", "v2-32", "v1-1000", "v2-1000", "binary-1000", "grpc-1"])
@pytest.mark.parametrize("server", ["ours logistic", "ours mixed"])
def test_requests_are_answered_rightly(servers: dict[str, Server], server: str, kind: str) -> None:
    """Our predictor takes every request the bench makes, and its labels are scikit-learn's."""
    assert servers[server].check(KINDS[kind]) > 0


@needs_taskset
@pytest.mark.parametrize("kind", ["v1-1", "v2-1", "v2-1000"])
def test_kserve_answers_the_same(servers: dict[str, Server], kind: str) -> None:
    """KServe's server, made again from its parts, gives the same labels by name as scikit-learn."""
    assert servers["kserve mixed"].check(KINDS[kind]) > 0


def test_goal_is_a_ratio_to_kserve() -> None:
    """A goal is judged by our number over KServe's in the same cell, with a mark of its own for the stretch."""
    marks = {}
    for rate in (799, 800, 1200):
        results = Results({}, rows=[row("kserve", 100), row("ours", rate, p99=0.001)])
        throughput, p99 = goals.outcomes(results)
        assert (throughput.goal.measure, p99.goal.measure, p99.mark) == ("throughput", "p99", "✓")
        marks[rate] = throughput.mark
    assert marks == {799: "✗", 800: "✓", 1200: "✓✓"}


def test_less_is_better_for_memory() -> None:
    """Half of KServe's memory is reached with half, not with more, and unmeasured goals are not counted."""
    for pss, mark in ((50, "✓"), (51, "✗")):
        results = Results(
            {}, residents=[Resident("logistic", "kserve", 100, 100), Resident("logistic", "ours", pss, pss)]
        )
        assert [outcome.mark for outcome in goals.outcomes(results)] == [mark]


def test_rows_that_say_less_are_marked() -> None:
    """A row where the client was the limit, others had the core, or requests failed, says so beside its number."""
    machine = {"versions": {}, "cores": 2, "cpu": "", "kernel": "", "server_core": 1, "client_core": 0}
    machine |= {"request_logs": "off", "load_average": 0}
    marked = {
        "◊": row("ours", 900, client_busy=0.95, server_busy=0.5),
        "≈": row("ours", 900, foreign_busy=0.3),
        "…": row("ours", 900, requests=7),
        "!": row("ours", 900, failures=3),
    }
    for mark, result in marked.items():
        assert f"**9.0× {mark}**" in table.summary(Results(machine, rows=[row("kserve", 100), result]))
    both_busy = row("ours", 900, client_busy=0.95, server_busy=0.95)
    assert "**9.0×**" in table.summary(Results(machine, rows=[row("kserve", 100), both_busy]))


def test_the_page_leaves_goals_out(tmp_path: Path) -> None:
    """The page has the ratios and a picture in light and in dark, written from the run's JSON, and no goal."""
    machine = {"versions": {}, "cores": 2, "cpu": "", "kernel": "", "server_core": 1, "client_core": 0}
    machine |= {"request_logs": "off", "load_average": 0, "date": "2026-11-26"}
    measured = Results(machine, rows=[row("kserve", 100), row("ours", 900)])
    measured.starts += [Start("logistic", "kserve", 2.0, (2.0, 2.0)), Start("logistic", "ours", 0.5, (0.5, 0.5))]
    assert "goal" in table.summary(measured).lower()
    (tmp_path / "run.json").write_text(json.dumps(measured.to_dict()))
    assert page.main([str(tmp_path / "run.json"), "--out", str(tmp_path)]) == 0
    text = (tmp_path / "bench.md").read_text()
    assert "**9.0×**" in text
    assert "1/4.0" in text
    assert "on 2026-11-26" in text
    assert "goal" not in text.lower()
    assert {path.name for path in tmp_path.glob("*.png")} == {"bench.png", "bench-dark.png"}
    assert all(f"]({path.name}#gh-" in text for path in tmp_path.glob("*.png"))


@pytest.mark.parametrize("text", [None, "{}", "[]", '{"machine": {}, "engines": {}, "rows": [{}]}', "no JSON"])
def test_the_page_of_no_run(tmp_path: Path, text: str | None) -> None:
    """A file that is not there, or is no run, is one line that names `make bench`, and nothing is written."""
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(ConfigurationError, match="make bench"):
        page.main([str(tmp_path / "run.json"), "--out", str(tmp_path)])
    assert not (tmp_path / "bench.md").exists()


def test_share_of_the_fast_path() -> None:
    """The table shows which share of our requests the fast path answered, summed over protocols, and of ours alone."""
    text = """# TYPE modelpin_requests_total counter
modelpin_requests_total{code="200",digest="sha256-0",protocol="v1"} 30.0
modelpin_requests_total{code="400",digest="sha256-0",protocol="v2"} 10.0
# TYPE modelpin_fast_requests_total counter
modelpin_fast_requests_total{protocol="v1"} 30.0
"""
    assert parse_metrics(text) == RequestCounts(40, 30)
    assert parse_metrics("modelpin_requests_total 1.0\n") is None
    assert measure._share(RequestCounts(40, 30), RequestCounts(60, 45)) == 0.75
    machine = {"versions": {}, "cores": 2, "cpu": "", "kernel": "", "server_core": 1, "client_core": 0}
    machine |= {"request_logs": "off", "load_average": 0}
    display = table.summary(Results(machine, rows=[row("kserve", 100), row("ours", 900, fast=0.75)]))
    assert "| fast path |" in display
    assert "| 75% |" in display


@needs_taskset
def test_all_answer_the_same(servers: dict[str, Server]) -> None:
    """Unless it is asked for more, our server sends what its peers send: labels, without probabilities."""
    for kind in ("v2-1", "binary-1000"):
        ours = servers["ours logistic"]
        _, body = ours.ask(KINDS[kind], ours.request(KINDS[kind]))
        assert (b'"label"' in body, b'"probabilities"' in body) == (True, False)
    more = PEERS["ours"].form(Site(Path(), labels_only=False))
    assert b"outputs" not in make(KINDS["v2-1"], ours.model, more).body


def test_only_keeps_what_is_named() -> None:
    """Words of one sort widen, sorts narrow, and an unknown word is refused with the words there are."""
    rest = plan.make(False, ["forest", "mixed", "v1-1", "c8", "ours"])
    assert [(cell.model, cell.kind.name, cell.connections) for cell in rest.cells] == [
        ("forest", "v1-1", 8),
        ("mixed", "v1-1", 8),
    ]
    assert rest.peers == ("ours",)
    assert plan.make(True, ["alone"]).cells == ()
    with pytest.raises(UsageError, match="logistic"):
        plan.make(False, ["logistics"])


@needs_wrk
@pytest.mark.story
def test_smoke(tmp_path: Path) -> None:
    """One short window against the floor ends in a table, and in JSON with every number of it."""
    only = [word for name in ("floor", "logistic", "v1-1", "c8", "load") for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--rounds=1", *only, f"--output={tmp_path / 'report'}", f"--work={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| logistic | v1, 1 row | 8 |" in done.stdout
    [result] = json.loads((tmp_path / "report/bench.json").read_text())["rows"]
    assert (result["peer"], result["failures"]) == ("floor", 0)
    assert result["rate"] > 0
    assert 0 < result["server_busy"] < 2
