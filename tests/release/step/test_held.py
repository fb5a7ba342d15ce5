"""Canaries that no step gives more: predictions that differ, silence, a deadline, and errors after the promotion."""

from __future__ import annotations

import pytest

from tests.release.conftest import commit
from tests.release.step.conftest import CANARY, DAY, Canary
from tests.release.test_traffic import PRODUCTION, listed, run, shares

pytestmark = pytest.mark.story


def test_predictions_that_differ_are_asked_about(canary: Canary) -> None:
    """Nothing is committed, a person is asked: 41; `roll-back` in environment.yaml takes it back instead."""
    canary.begin("swapped")
    canary.at("swapped", 3600)
    outcome = canary.step(code=41)
    assert "its predictions differ" in outcome.out
    assert canary.shares() == [90, 10]
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.text_of(path).replace("latency_ratio: 2", "latency_ratio: 2, predictions: roll-back")
    commit(canary.repository.folder, path, text)
    canary.step()
    assert canary.shares() == [100, 0]


def test_silence_holds_whatever_the_deadline(canary: Canary) -> None:
    """Without a request it is held with exit code 30, for a person to look; two days later too."""
    canary.begin("silent")
    for seconds in (3 * 3600, 2 * DAY):
        canary.at("silent", seconds)
        assert "no request of the canary was counted" in canary.step(code=30).out
    assert canary.shares() == [90, 10]


def test_no_answer_of_prometheus_and_a_clock_that_is_late_decide_nothing(canary: Canary) -> None:
    """Away, another server, no URL: each its exit code, with what to do; before the canary's own commit it waits."""
    canary.begin("good")
    canary.at("good", 3600)
    before = canary.message()
    for url, code, message in (
        ("http://127.0.0.1:9", 30, "see whether it is up, then run this again"),
        (canary.cluster.url, 30, "give the URL of a Prometheus"),
        ("localhost:9090", 10, "expected http://host:9090"),
    ):
        for command in ("analyse", "step"):
            options = ("--gateway", canary.cluster.url) if command == "step" else ()
            failed = run(canary.repository, command, *options, "--prometheus", url, code=code)
            assert message in failed.err.splitlines()[-1]
    canary.at("good", -1800)
    assert "waits: not worse: 0 of 0 beside 0 of 0" in canary.step().out
    assert (canary.message(), canary.shares()) == (before, [90, 10])


def test_what_is_not_decided_by_the_deadline_goes_back_without_blame(canary: Canary) -> None:
    """Past the deadline it is taken back; its model may come again."""
    canary.begin("late")
    path = f"{PRODUCTION}/environment.yaml"
    text = canary.repository.text_of(path).replace("latency_ratio: 2", "deadline_hours: 0.1, slowest: 0.01")
    commit(canary.repository.folder, path, text)
    canary.at("late", 7 * 60)
    canary.step()
    assert canary.shares() == [100, 0]
    assert listed(canary.repository) == ()


def test_a_release_that_goes_bad_with_all_traffic_is_taken_back(canary: Canary) -> None:
    """Promoted by hand it is watched for the baking time, by its errors alone."""
    canary.begin("baking")
    run(canary.repository, "promote", "--gateway", canary.cluster.url)
    assert shares(canary.repository)[canary.uris[CANARY]] == 100
    canary.at("baking", 1800)
    canary.step()
    assert canary.shares() == [100, 0]
    assert "Analysis-Errors: " in canary.message()
