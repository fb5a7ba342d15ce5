"""Canaries that recorded traffic decides: real Prometheus, real remote, each step a commit with its evidence."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring.shadow import Answered, Pairs
from release import settings
from release.commands import analyse, step
from release.commands.proof import Prover
from release.readiness import Cluster
from release.settings import Settings
from tests.release.conftest import ROOT, commit
from tests.release.step.conftest import CANARY, STABLE, Canary, began
from tests.release.test_traffic import PRODUCTION, listed, run, shares


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
    assert "Analysis-Queries: max_over_time(http_server_request_duration_seconds_count{" in trailers
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
    decided = canary.repository.text_of(path).replace("latency_ratio: 2", "latency_ratio: 2, shadow: {requests: 1}")
    commit(canary.repository.folder, path, decided)
    canary.begin("good")
    assert shares(canary.repository)[canary.uris[CANARY]] == 0
    assert "waits for --shadow" in canary.step().out
    digests = [canary.uris[number].rstrip("/").rpartition("/")[2] for number in (STABLE, CANARY)]
    pairs = Pairs(digests={(digests[0], digests[1])})
    requests = tmp_path / "shadow.json"

    def pair(answer: str) -> list[str]:
        stable_answer = Answered(200, "", 0.002, ["a"], [[0.75, 0.25]])
        pairs.add(stable_answer, dataclasses.replace(stable_answer, predictions=[answer], probabilities=[[0.5, 0.5]]))
        requests.write_text(json.dumps(pairs.as_json() | {"digests": [digests, [digests[0], ""]]}))
        return ["--shadow", str(requests)]

    assert "agreement 0.0, at least 0.9" in canary.step(*pair("b"), code=41).err
    assert "not enough for traffic: agreement" in run(canary.repository, "analyse", "--shadow", str(requests)).out
    printed = json.loads(run(canary.repository, "analyse", "--json", "--shadow", str(requests)).out)["shadow"]
    assert (printed["rows"], printed["refusals"]) == (1, ["agreement 0.0, at least 0.9"])
    for _ in range(19):
        pair("a")
    history = len(canary.repository.history())
    canary.step("--shadow", str(requests))
    assert canary.shares() == [90, 10]
    assert len(canary.repository.history()) == history + 1
    assert "Shadow: 20 requests, 20 rows, 95.00% agree, flips a -> b 1, difference 50/90/100 % 0.25" in canary.message()
    requests.write_text(requests.read_text().replace(digests[1], digests[0]))
    assert "ask these again" in canary.step("--shadow", str(requests), code=2).err


def test_a_bad_canary_is_taken_back_with_what_it_did(canary: Canary) -> None:
    """Errors: one commit, the traffic goes back, the model is in quarantine, and the reason has the numbers."""
    canary.begin("errors")
    canary.at("errors", 3600)
    printed = run(canary.repository, "analyse", "--json")
    content = json.loads(printed.out)
    assert (content["decision"], content["percent"]) == ("roll back", 10)
    done = canary.step("--json")
    assert json.loads(done.out)["state"] == "stable"
    assert canary.shares() == [100, 0]
    assert "errors: " in listed(canary.repository)[0].reason
    assert "Release-Reason: errors: " in canary.message()
    history = canary.repository.history()
    canary.step()
    assert canary.repository.history() == history


@pytest.mark.story
def test_without_the_section_no_step_is_taken(canary: Canary) -> None:
    """Off is the default: nothing is committed, and `analyse` needs a URL to look."""
    canary.begin("calm")
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.text_of(path)
    rest, _, section = text.rpartition("\nanalysis:")
    commit(canary.repository.folder, path, f"{rest}\n")
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
    result = analyse.analyse(branch, folder, None, began("errors") + 3600)
    assert result is not None
    run(canary.repository, "rollback", "--gateway", canary.cluster.url)
    history = canary.repository.history()
    prover = Prover(None, Cluster(folder, "example.com", canary.cluster.url))  # type: ignore[arg-type]
    outcome = step._carry_out(branch, step.Request("step"), result, prover=prover, wait=0.0)
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
    text = canary.repository.text_of(path).replace("latency_ratio: 2", "latency_ratio: 2, deadline_hours: 168")
    commit(canary.repository.folder, path, text)
    command = [sys.executable, "-m", "release", "step", "--env", "production", "--model", "iris"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **{k: v for k, v in os.environ.items() if k[:3] == "AWS"}}
    done = subprocess.run(
        [*command, "--gateway", canary.cluster.url], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert canary.shares() == [100, 0]
