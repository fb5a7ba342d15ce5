"""Canaries whose traffic was recorded before: one real Prometheus holds it, and a clock goes to the time of each."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from artifact import digest
from local import prometheus
from release.commands import analyse, step, traffic
from release.gitops.release import Release
from tests.monitoring.recording import Recording
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, Repository, Run, commit, git
from tests.release.test_traffic import PRODUCTION, Publish, deploy, run, shares

DAY = 24 * 3600.0
BEGAN = 1_763_600_000.0
HISTORY, DURING = 120, 240  # minutes before the canary and with it
STABLE, CANARY = 1, 2  # artifacts by number
SCENARIOS = ("good", "errors", "swapped", "silent", "late", "baking", "calm")


def name_of(artifact: Path) -> str:
    """The name that the release of `artifact` will have."""
    named = digest.of_file(artifact / "manifest.json")
    commit_id = "0" * 40
    uri = f"s3://bucket/models/iris/{named}/"
    return Release(named, uri, IMAGE, "", "", "", commit_id, commit_id, "").name


def began(scenario: str) -> float:
    """When its canary begins: each has days of its own in the one Prometheus."""
    return BEGAN + 10 * DAY * SCENARIOS.index(scenario)


@pytest.fixture(scope="session")
def url(make_artifact: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the traffic of every scenario."""
    try:
        prometheus.program("promtool")
    except prometheus.ConfigurationError as error:
        pytest.skip(str(error))
    names = {number: name_of(make_artifact(number)) for number in (STABLE, CANARY)}
    recording = Recording(BEGAN - HISTORY * 60)
    for seed, scenario in enumerate(SCENARIOS):
        first = round((began(scenario) - BEGAN) / 60)
        pods = {number: f"{scenario}-{number}" for number in names}
        after = 0 if scenario == "baking" else DURING
        recording.release(
            "iris-production",
            names[STABLE],
            seed,
            scrapes=HISTORY + after,
            per_scrape=54,
            first=first,
            pod=pods[STABLE],
        )
        if scenario != "silent":
            wrong = {
                "errors": {"errors": 0.1},
                "baking": {"errors": 0.2},
                "swapped": {"classes": {"setosa": 0.8, "versicolor": 0.1, "virginica": 0.1}},
            }
            recording.release(
                "iris-production",
                names[CANARY],
                100 + seed,
                scrapes=5 if scenario == "late" else DURING,
                per_scrape=6,
                first=first + HISTORY,
                pod=pods[CANARY],
                **wrong.get(scenario, {}),  # type: ignore[arg-type]
            )
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("prometheus")
        yield stack.enter_context(prometheus.Prometheus(folder, recorded=recording.text())).url


class Canary:
    """The release of artifact 2 at 10 percent beside that of artifact 1, since the scenario began."""

    def __init__(
        self, repository: Repository, cluster: Answering, publish: Publish, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.repository, self.cluster, self._patch = repository, cluster, monkeypatch
        self.uris = {number: publish(number) for number in (STABLE, CANARY)}
        path = f"{PRODUCTION}/environment.yaml"
        decided = (repository.folder / path).read_text()
        commit(repository.folder, path, decided + f'analysis: {{prometheus: "{url}", latency_ratio: 2}}\n')

    def begin(self, scenario: str) -> None:
        """Deploy both; the canary's commit is of the time at which its recorded traffic begins."""
        self.at(scenario, -3600)
        deploy(self.repository, self.uris[STABLE], "--wait", "60", "--gateway", self.cluster.url)
        self.at(scenario, 0)
        deploy(self.repository, self.uris[CANARY], "--canary", "10", "--gateway", self.cluster.url)
        self.step()

    def at(self, scenario: str, seconds: float) -> None:
        """The time that Git and the commands see from now on."""
        now = began(scenario) + seconds
        self._patch.setenv("GIT_COMMITTER_DATE", f"{now:.0f} +0000")
        for module in (step, analyse):
            self._patch.setattr(module, "time", types.SimpleNamespace(time=lambda: now))
        self._patch.setattr(traffic, "now", lambda: analyse.clock(now))

    def step(self, *more: str, code: int = 0) -> Run:
        return run(self.repository, "step", "--gateway", self.cluster.url, *more, code=code)

    def message(self) -> str:
        """Of the newest commit."""
        return git(self.repository.origin, "log", "-1", "--format=%B", "main")

    def shares(self) -> list[int]:
        """Percent of the stable and of the new one."""
        percents = shares(self.repository)
        return [percents[self.uris[number]] for number in (STABLE, CANARY)]


@pytest.fixture
def canary(
    repository: Repository, cluster: Answering, publish: Publish, url: str, monkeypatch: pytest.MonkeyPatch
) -> Canary:
    return Canary(repository, cluster, publish, url, monkeypatch)
