"""Print what live traffic says of the canary, or of the release that was promoted last, and what `step` would do.

Nothing is changed. Prometheus is asked on a fixed grid of times from the commit that gave the release its traffic, so
that the same question has the same answer whenever, and however often, it is put.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from artifact.errors import ConfigurationError
from monitoring import analysis, live
from monitoring.analysis import Decision, Evidence, Moment, Test
from monitoring.canary import Action
from monitoring.page import Page
from monitoring.prometheus import Grid, Prometheus
from monitoring.shadow_evidence import ShadowEvidence
from monitoring.thresholds import Thresholds
from release import command_line, period
from release.checkout import Checkout
from release.git.branch import Branch, opened, tip
from release.gitops.folder import Folder
from release.gitops.record import Record
from release.period import Period

NAMES = {
    Action.WAIT: "wait",
    Action.HOLD: "hold",
    Action.ADVANCE: "advance",
    Action.PROMOTE: "promote",
    Action.ROLL_BACK: "roll back",
}


@dataclass(frozen=True)
class Analysis:
    """What was found: of which release, in which time, on which evidence, and what follows."""

    folder: Folder
    period: Period
    grid: Grid
    requests: tuple[int, int]
    tests: tuple[Test, ...]
    decision: Decision
    queries: tuple[str, ...]

    def trailers(self) -> dict[str, str]:
        """The evidence as a commit says it."""
        window = f"{clock(self.grid.start)} to {clock(self.grid.end)}, every {self.grid.step:g} s"
        named = {f"Analysis-{test.name.title().replace(' ', '-')}": str(test) for test in self.tests}
        beside = "canary {:,}, stable {:,}" if not self.period.bakes else "{:,} since all traffic, {:,} before"
        return {
            "Analysis-Window": window,
            "Analysis-Requests": beside.format(*self.requests),
            **named,
            "Analysis-Queries": "; ".join(self.queries),
        }

    def lines(self) -> list[str]:
        """For a terminal."""
        period = self.period
        share = "all traffic" if period.bakes else f"{period.percent} %"
        title = f"{self.folder.environment}: {period.release.name} has {share} since {clock(period.since_here)}"
        trailers = {name.removeprefix("Analysis-").lower(): text for name, text in self.trailers().items()}
        width = max(map(len, trailers))
        return [
            f"{title}, beside {period.beside.name}",
            *(f"  {name:<{width}}  {text}" for name, text in trailers.items()),
            f"  {'decision':<{width}}  {NAMES[self.decision.action]}: {self.decision.why}",
        ]

    def as_json(self) -> dict[str, Any]:
        """For programs: `e` is log10 of E after the last interval, `ever` its greatest."""
        return {
            "model": self.folder.model,
            "environment": self.folder.environment,
            "release": self.period.release.name,
            "beside": self.period.beside.name,
            "percent": self.period.percent,
            "window": {"start": self.grid.start, "end": self.grid.end, "step": self.grid.step},
            "requests": {"canary": self.requests[0], "stable": self.requests[1]},
            "tests": [
                {
                    "name": test.name,
                    "counts": test.counts,
                    "e": round(float(test.log_e[-1]) / np.log(10), 3)
                    if test.log_e.size and np.isfinite(test.log_e[-1])
                    else None,
                    "ever": round(test.greatest / np.log(10), 3),
                    "decides": round(float(np.log10(test.decides)), 3),
                }
                for test in self.tests
            ],
            "decision": NAMES[self.decision.action],
            "to": self.decision.to,
            "why": self.decision.why,
            "queries": list(self.queries),
        }

    def page(self) -> str:
        """One page for people: the evidence over time."""
        page = Page(f"{self.period.release.name} in {self.folder.environment}")
        page.text(f"{NAMES[self.decision.action]}: {self.decision.why}", "verdict")
        named = [(name.removeprefix("Analysis-").lower(), text) for name, text in self.trailers().items()]
        page.table(("what", "says"), [row for row in named if row[0] != "queries"])
        page.heading("log10 of E over time; the dashed line decides")
        for test in self.tests:
            page.line(test.name, test.log_e / np.log(10), float(np.log10(test.decides)))
        page.heading("Queries")
        page.code(self.queries)
        return page.render()


def analyse(branch: Branch, folder: Folder, url: str | None, now: float) -> Analysis | None:
    """What is to be decided at `now`, seconds since 1970; None where nothing is.

    `url`: of Prometheus, in place of the one in environment.yaml. ConfigurationError (10) where the analysis is off and
    no URL is given, StorageError (30), GitError (50).
    """
    with opened(branch) as git:
        head = tip(git, branch)
        environment, record = folder.read(head)
        watched = period.of(head, folder, record)
    thresholds = environment.analysis or (Thresholds() if url else None)
    if thresholds is None:
        raise ConfigurationError(
            f"the analysis is off in {folder.path}/environment.yaml: add `analysis: {{prometheus: URL}}`, or give "
            "--prometheus to look without deciding"
        )
    if watched is None or (watched.bakes and now - watched.since > thresholds.baking_minutes * 60):
        return None
    prometheus = Prometheus(url or thresholds.prometheus)
    grid = Grid.until(watched.since, now, thresholds.interval)
    readings = live.read(
        prometheus,
        thresholds,
        grid,
        namespace=folder.namespace,
        canary=watched.release.name,
        stable=watched.beside.name,
    )
    return _decided(folder, watched, thresholds, readings, now)


def _decided(folder: Folder, watched: Period, thresholds: Thresholds, readings: live.Live, now: float) -> Analysis:
    if watched.bakes:
        test, decision = analysis.bake(readings.canary, readings.history, thresholds)
        requests = int(readings.canary.requests.sum()), int(readings.history.requests.sum())
        return Analysis(folder, watched, readings.grid, requests, (test,), decision, readings.queries)
    evidence: Evidence = analysis.examine(readings, thresholds)
    moment = Moment(watched.percent, watched.first_percent, now - watched.since, now - watched.since_here)
    decision = analysis.decide(evidence, thresholds, moment)
    return Analysis(folder, watched, readings.grid, evidence.requests, evidence.tests, decision, readings.queries)


def shadow(path: Path | None, record: Record) -> ShadowEvidence | None:
    """What `path` says of the candidate of `record` beside its stable release; None without a path.

    ConfigurationError (10) where there are not both, UsageError (2) where it is of others.
    """
    if path is None:
        return None
    if record.stable is None or record.candidate is None:
        raise ConfigurationError("--shadow is of a candidate beside a stable release: there is none; leave it out")
    return ShadowEvidence.read(path, record.stable.digest, record.candidate.digest)


def clock(seconds: float) -> str:
    """UTC to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main(argv: Sequence[str] | None = None) -> None:
    """As `analyse`."""
    line = command_line.parser("analyse", __doc__)
    command_line.add_environment(line)
    command_line.add_prometheus(line)
    line.add_argument("--json", action="store_true", help="for programs")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    branch = checkout.remote(arguments.env)
    with opened(branch) as git:
        environment, record = folder.read(tip(git, branch))
    comparison = shadow(arguments.shadow, record)
    analysis = analyse(branch, folder, arguments.prometheus, time.time())
    write_page(analysis, arguments.page)
    limits = environment.analysis.shadow if environment.analysis else None
    refusals = comparison.refusals(limits) if comparison is not None and limits is not None else []
    if arguments.json:
        described = None if analysis is None else analysis.as_json()
        if comparison is not None:
            described = (described or {}) | {"shadow": dataclasses.asdict(comparison) | {"refusals": refusals}}
        print(json.dumps(described, indent=2))
        return
    print("\n".join(analysis.lines()) if analysis else f"nothing to watch in {folder.environment}")
    if comparison is not None:
        print(f"  shadow  {comparison}")
    if refusals:
        print(f"  shadow  not enough for traffic: {'; '.join(refusals)}")


def write_page(analysis: Analysis | None, path: Path | None) -> None:
    """The page at `path`, where one is asked for and there is something to show."""
    if path is not None and analysis is not None:
        path.write_text(analysis.page(), encoding="utf-8")
