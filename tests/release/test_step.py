"""Canaries that recorded traffic decides: real Prometheus, real remote, each step a commit with its evidence."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from artifact import digest
from local import prometheus
from monitoring.shadow import Answered, Pairs
from release import settings
from release.commands import analyse, step, traffic
from release.commands.proof import Prover
from release.gitops.release import Release
from release.readiness import Cluster
from release.settings import Settings
from tests.monitoring.recording import Recording
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, ROOT, Repository, Run, commit, git
from tests.release.test_traffic import PRODUCTION, Publish, deploy, listed, run, shares

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


@pytest.fixture(scope="module")
def url(make_artifact: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the traffic of every scenario."""
    try:
        prometheus.program("promtool")
    except prometheus.ConfigurationError as error:
        pytest.skip(str(error))
    names = {number: name_of(make_artifact(number)) for number in (STABLE, CANARY)}
    made = Recording(BEGAN - HISTORY * 60)
    for seed, scenario in enumerate(SCENARIOS):
        first = round((began(scenario) - BEGAN) / 60)
        pods = {number: f"{scenario}-{number}" for number in names}
        after = 0 if scenario == "baking" else DURING
        made.release(
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
            made.release(
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
        yield stack.enter_context(prometheus.Prometheus(folder, recorded=made.text())).url


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
        found = shares(self.repository)
        return [found[self.uris[number]] for number in (STABLE, CANARY)]


@pytest.fixture
def canary(
    repository: Repository, cluster: Answering, publish: Publish, url: str, monkeypatch: pytest.MonkeyPatch
) -> Canary:
    return Canary(repository, cluster, publish, url, monkeypatch)


def test_a_good_canary_is_proved_given_more_and_promoted(canary: Canary, tmp_path: Path) -> None:
    """Run as often as one likes, each step comes once: 10 percent, half, all; its evidence stands in the commit."""
    canary.begin("good")
    assert canary.shares() == [90, 10]
    canary.at("good", 240)
    assert "waits: not worse" in canary.step().out
    canary.at("good", 45 * 60)
    page = tmp_path / "page.html"
    assert "give" in canary.step("--page", str(page)).out
    assert canary.shares() == [50, 50]
    trailers = canary.message()
    assert "Release-Command: step" in trailers
    assert "Release-Evidence: canary 303, stable 2,448" in trailers
    for name in ("Window: 2025-", "Errors: ", "Latency: over 1 ms ", "Vanished: none", "Predictions: ", "Not-Worse: "):
        assert f"Analysis-{name}" in trailers
    assert "Analysis-Queries: http_server_request_duration_seconds_count{" in trailers
    assert "not worse" in page.read_text()
    assert "<polyline" in page.read_text()
    assert "waits" in canary.step().out  # the least time at the new share
    canary.at("good", 200 * 60)
    canary.step()
    assert shares(canary.repository)[canary.uris[CANARY]] == 100
    assert "nothing" in canary.step().out or "waits" in canary.step().out
    history = canary.repository.history()
    canary.at("good", 300 * 60)
    assert "nothing to watch" in canary.step().out  # baked
    assert canary.repository.history() == history


def test_shadow_requests_are_a_condition_of_the_first_share(canary: Canary, tmp_path: Path) -> None:
    """Where environment.yaml asks for them: without them it waits, bad ones are 41, good ones stand in the commit."""
    path = f"{PRODUCTION}/environment.yaml"
    decided = canary.repository.shown(path).replace("latency_ratio: 2", "latency_ratio: 2, shadow: {requests: 1}")
    commit(canary.repository.folder, path, decided)
    canary.begin("good")
    assert shares(canary.repository)[canary.uris[CANARY]] == 0
    assert "waits for --shadow" in canary.step().out
    digests = [canary.uris[number].rstrip("/").rpartition("/")[2] for number in (STABLE, CANARY)]
    pairs = Pairs(digests={(digests[0], digests[1])})
    asked = tmp_path / "shadow.json"

    def pair(answer: str) -> list[str]:
        one = Answered(200, "", 0.002, ["a"], [[0.75, 0.25]])
        pairs.add(one, dataclasses.replace(one, predictions=[answer], probabilities=[[0.5, 0.5]]))
        asked.write_text(json.dumps(pairs.as_json() | {"digests": [digests, [digests[0], ""]]}))
        return ["--shadow", str(asked)]

    assert "agreement 0.0, at least 0.9" in canary.step(*pair("b"), code=41).err
    assert "not enough for traffic: agreement" in run(canary.repository, "analyse", "--shadow", str(asked)).out
    printed = json.loads(run(canary.repository, "analyse", "--json", "--shadow", str(asked)).out)["shadow"]
    assert (printed["rows"], printed["refusals"]) == (1, ["agreement 0.0, at least 0.9"])
    for _ in range(19):
        pair("a")
    history = len(canary.repository.history())
    canary.step("--shadow", str(asked))
    assert canary.shares() == [90, 10]
    assert len(canary.repository.history()) == history + 1
    assert "Shadow: 20 requests, 20 rows, 95.00% agree, flips a -> b 1, difference 50/90/100 % 0.25" in canary.message()
    asked.write_text(asked.read_text().replace(digests[1], digests[0]))
    assert "ask these again" in canary.step("--shadow", str(asked), code=2).err


def test_a_bad_canary_is_taken_back_with_what_it_did(canary: Canary) -> None:
    """Errors: one commit, the traffic goes back, the model is in quarantine, and the reason has the numbers."""
    canary.begin("errors")
    canary.at("errors", 3600)
    printed = run(canary.repository, "analyse", "--json")
    found = json.loads(printed.out)
    assert (found["decision"], found["percent"]) == ("roll back", 10)
    done = canary.step("--json")
    assert json.loads(done.out)["state"] == "stable"
    assert canary.shares() == [100, 0]
    assert "errors: " in listed(canary.repository)[0].reason
    assert "Release-Reason: errors: " in canary.message()
    history = canary.repository.history()
    canary.step()
    assert canary.repository.history() == history


@pytest.mark.story
def test_predictions_that_differ_are_asked_about(canary: Canary) -> None:
    """Nothing is committed, a person is asked: 41; `roll-back` in environment.yaml takes it back instead."""
    canary.begin("swapped")
    canary.at("swapped", 3600)
    held = canary.step(code=41)
    assert "its predictions differ" in held.out
    assert canary.shares() == [90, 10]
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.shown(path).replace("latency_ratio: 2", "latency_ratio: 2, predictions: roll-back")
    commit(canary.repository.folder, path, text)
    canary.step()
    assert canary.shares() == [100, 0]


@pytest.mark.story
def test_silence_holds_whatever_the_deadline(canary: Canary) -> None:
    """Without a request it is held with exit code 30, for a person to look; two days later too."""
    canary.begin("silent")
    for seconds in (3 * 3600, 2 * DAY):
        canary.at("silent", seconds)
        assert "no request of the canary was counted" in canary.step(code=30).out
    assert canary.shares() == [90, 10]


@pytest.mark.story
def test_what_is_not_decided_by_the_deadline_goes_back_without_blame(canary: Canary) -> None:
    """Past the deadline it is taken back; its model may come again."""
    canary.begin("late")
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.shown(path).replace("latency_ratio: 2", "deadline_hours: 0.1, slowest: 0.01")
    commit(canary.repository.folder, path, text)
    canary.at("late", 7 * 60)
    canary.step()
    assert canary.shares() == [100, 0]
    assert listed(canary.repository) == ()


@pytest.mark.story
def test_a_release_that_goes_bad_with_all_traffic_is_taken_back(canary: Canary) -> None:
    """Promoted by hand it is watched for the baking time, by its errors alone."""
    canary.begin("baking")
    run(canary.repository, "promote", "--gateway", canary.cluster.url)
    assert shares(canary.repository)[canary.uris[CANARY]] == 100
    canary.at("baking", 1800)
    canary.step()
    assert canary.shares() == [100, 0]
    assert "Analysis-Errors: " in canary.message()


@pytest.mark.story
def test_without_the_section_no_step_is_taken(canary: Canary) -> None:
    """Off is the default: nothing is committed, and `analyse` needs a URL to look."""
    canary.begin("calm")
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.shown(path)
    kept, _, section = text.rpartition("\nanalysis:")
    commit(canary.repository.folder, path, f"{kept}\n")
    canary.at("calm", 3600)
    assert "the analysis is off" in canary.step().out
    assert "the analysis is off" in run(canary.repository, "analyse", code=10).err
    url = section[section.index("http://") : section.index('",')]
    assert "decision" in run(canary.repository, "analyse", "--prometheus", url).out


@pytest.mark.story
def test_a_step_that_somebody_forestalled_changes_nothing(canary: Canary) -> None:
    """A person took the canary back meanwhile: what was meant for it touches no other release."""
    canary.begin("errors")
    canary.at("errors", 3600)
    branch, folder = canary.repository.branch(), analyse.Folder("iris", "production")
    found = analyse.analyse(branch, folder, None, began("errors") + 3600)
    assert found is not None
    run(canary.repository, "rollback", "--gateway", canary.cluster.url)
    history = canary.repository.history()
    prover = Prover(None, Cluster(folder, "example.com", canary.cluster.url))  # type: ignore[arg-type]
    outcome = step._carry_out(branch, step.Request("step"), found, prover=prover, wait=0.0)
    assert outcome.outcome == "superseded"
    assert canary.repository.history() == history


@pytest.mark.story
def test_what_the_image_of_the_page_holds_takes_a_step(canary: Canary, tmp_path: Path) -> None:
    """The files that docs/canaries.md copies, without a repository around them, take a bad canary back."""
    canary.begin("errors")
    page = (ROOT / "docs/canaries.md").read_text()
    folder = tmp_path / "modelpin"
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", page, re.M):
        there = folder / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, there, ignore=shutil.ignore_patterns("__pycache__"))
    owned = Settings(bucket=canary.repository.bucket, gitops_remote=str(canary.repository.origin))
    (folder / settings.PATH).write_text(settings.render(owned))
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.shown(path).replace("latency_ratio: 2", "latency_ratio: 2, deadline_hours: 168")
    commit(canary.repository.folder, path, text)
    command = [sys.executable, "-m", "release", "step", "--env", "production", "--model", "iris"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **{k: v for k, v in os.environ.items() if k[:3] == "AWS"}}
    done = subprocess.run(
        [*command, "--gateway", canary.cluster.url], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert canary.shares() == [100, 0]
