"""The gate says yes and no, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import digest
from artifact.errors import ConfigurationError, IntegrityError
from artifact.signature import Feature, for_model
from pipeline.gate import gate, outcomes
from pipeline.gate import rules as rule
from pipeline.packaging import training_rows
from pipeline.params.gate import Threshold
from pipeline.shared import row_hashes
from release import verdict as obeyed
from tests.pipeline.gate.contest import FEATURES, INPUTS, Contest, Table, pipeline
from tests.pipeline.params.test_params import read
from tests.pipeline.repository import Repository

METRICS: dict[str, Any] = {
    "rows": 10,
    "accuracy": {"value": 0.93, "low": 0.9, "high": 1.0},
    "log_loss": {"value": 0.3, "low": 0.2, "high": 0.4},
    "roc_auc": {"value": None, "low": None, "high": None},
}

THRESHOLDS: list[tuple[dict[str, Threshold], list[bool], str]] = [
    ({"accuracy": Threshold(min=0.93, max=None)}, [True], "accuracy 0.93 is at least 0.93"),
    ({"accuracy": Threshold(min=0.931, max=None)}, [False], "accuracy 0.93 is below 0.931"),
    ({"log_loss": Threshold(min=None, max=0.3)}, [True], "log_loss 0.3 is at most 0.3"),
    ({"log_loss": Threshold(min=None, max=0.29)}, [False], "log_loss 0.3 is above 0.29"),
    ({"accuracy": Threshold(min=0.5, max=0.9)}, [True, False], "accuracy 0.93 is above 0.9"),
    ({"roc_auc": Threshold(min=0.5, max=None)}, [False], "roc_auc is not defined on this holdout, min 0.5"),
]


@pytest.mark.parametrize(("threshold", "passed", "words"), THRESHOLDS)
def test_each_threshold_decides(threshold: dict[str, Threshold], passed: list[bool], words: str) -> None:
    """At the threshold passes, beyond it fails, a metric without a value fails; the reason is one clause."""
    rules = rule.thresholds(threshold, METRICS)
    assert [rule.passed for rule in rules] == passed
    assert rules[-1].words == words


def test_a_threshold_on_a_metric_that_the_model_does_not_have_is_refused() -> None:
    """A model without probabilities has no log loss to gate."""
    with pytest.raises(ConfigurationError, match="use one of accuracy"):
        rule.thresholds({"log_loss": Threshold(max=1)}, {"accuracy": METRICS["accuracy"]})


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    return Contest(tmp_path_factory.mktemp("contest"))


@pytest.fixture
def judge(contest: Contest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """`judge(challenger, champion, …)`: the verdict on a named model against another; `params` by dotted path."""
    monkeypatch.chdir(tmp_path)
    makers: dict[str, Callable[[], Path]] = {
        "good": lambda: contest.artifact("good", pipeline(1.0)),
        "same": lambda: contest.artifact("same", pipeline(1.1)),
        "weak": lambda: contest.artifact("weak", pipeline(0.003)),
        "flat": lambda: contest.artifact("flat", pipeline(1.0, interaction=False)),
        "leaky": lambda: contest.artifact(
            "leaky", pipeline(1.0), train=contest.table.test, target=contest.table.test_target
        ),
        "silent": lambda: contest.artifact("silent", pipeline(0.9), beside={}, data_digest="sha256-" + "9" * 64),
        "kin": lambda: contest.artifact("kin", pipeline(0.003), beside={}),
        "renamed": lambda: renamed(contest),
        "narrow": lambda: ranged(contest, "narrow", 1.0),
        "wide": lambda: ranged(contest, "wide", 100.0),
    }

    def decide(challenger: str, champion: str | None, params: dict[str, Any] | None = None, **record: Any) -> Any:
        values = {"evaluate__bootstrap": {"resamples": 200, "confidence": 0.95, "seed": 1}, **(params or {})}
        fought = contest.judge(
            read(tmp_path, **values), makers[challenger](), champion and makers[champion](), **record
        )
        return fought[0] | {"comparison": fought[1]}

    return decide


def ranged(contest: Contest, name: str, end: float) -> Path:
    """A weak champion that declares a range for its first input."""
    features = (replace(FEATURES[0], range=(-end, end)), FEATURES[1])
    fitted = pipeline(0.003).fit(contest.table.train, contest.table.train_target)
    signature = for_model("classification", features, Feature("y", "string"), fitted)
    return contest.artifact(name, pipeline(0.003), signature=signature)


def renamed(contest: Contest) -> Path:
    """A champion whose second input had another name."""
    model = pipeline(0.5)
    table = Table.make().train.rename(columns={"b": "c"})
    model.set_params(columns__transformers=[(n, t, ["c"] if n == "b" else c) for n, t, c in model[0].transformers])
    features = (FEATURES[0], replace(FEATURES[1], name="c"))
    fitted = pipeline(0.5).fit(contest.table.train, contest.table.train_target)
    signature = for_model("classification", features, Feature("y", "string"), fitted)
    holdout = {"a": contest.table.test["a"].to_numpy(), "c": contest.table.test["b"].to_numpy()}
    return contest.artifact(
        "renamed", model, train=table, signature=signature, holdout=holdout,
    )  # fmt: skip


FOUGHT: list[tuple[str, str, str | None, dict[str, Any], str, bool, str]] = [
    ("it wins", "good", "weak", {}, "better", True, "log_loss 0."),
    ("it loses", "weak", "good", {}, "worse", False, "it is worse by more than the margin 0.02"),
    ("a tie", "same", "good", {}, "equivalent", True, "(95% interval "),
    ("nothing serves", "good", None, {}, "first-deployment", True, "no toy was ever deployed; accuracy 0."),
    ("the same bytes", "good", "good", {}, "no-change", True, "production serves this very artifact"),
    ("wins but for a slice", "flat", "weak", {}, "worse-on-a-slice", False, "on the slice 'b = y' ("),
    ("another signature", "good", "renamed", {}, "incomparable", False, "the input 'c' is gone"),
    ("trained on the holdout", "good", "leaky", {}, "incomparable", False, "the champion was trained on 1500, and 0"),
    ("does not say what it saw", "good", "silent", {}, "incomparable", False, "does not say which rows"),
    ("does not say, but has the split", "good", "kin", {}, "better", True, "1500 rows"),
    ("refuses a held-out row", "good", "narrow", {}, "incomparable", False, "the champion refuses a held-out row: "),
    ("declared a range", "good", "wide", {}, "better", True, "1500 rows"),
    ("itself trained on it", "leaky", None, {}, "incomparable", False, "1500 of 1500 held-out rows were trained on"),
    ("a threshold", "weak", "good", {"params": {"gate__thresholds": {"accuracy": {"min": 0.99}}}}, "below-threshold",
     False, "is below 0.99; log_loss"),
    ("too few rows", "good", "weak", {"params": {"gate__champion": {"rows": 2000}}}, "incomparable", False,
     "fewer than gate.champion.rows (2000)"),
    ("too slow", "good", "weak", {"latency": {"challenger": {"p50_ms": 9.0, "p99_ms": 9.0}, "champion": {"p50_ms": 4}}},
     "too-slow", False, "one row takes 9 ms (p99 9 ms), the champion 4 ms; allowed are 8 ms (2 × the champion's"),
    ("slower by a trifle", "good", "weak",
     {"latency": {"challenger": {"p50_ms": 0.9, "p99_ms": 0.9}, "champion": {"p50_ms": 0.1}}}, "better", True, "0."),
    ("too slow by itself", "good", None, {"params": {"gate__latency": {"max_ms": 1.5}}}, "too-slow", False,
     "one row takes 1 ms (p99 2 ms); allowed are 1.5 ms"),
    ("too big", "good", None, {"params": {"gate__size": {"max_mib": 0.001}}}, "too-big", False,
     "allowed are 0.001 MiB"),
    ("too big beside it", "good", "kin", {"params": {"gate__size": {"ratio": 1.0, "slack_mib": 0.0}}}, "too-big", False,
     "(1 × the champion's, or 0 MiB more)"),
    ("quarantined by its inputs", "good", "weak",
     {"quarantined": [{"model_digest": "sha256-" + "5" * 64, **INPUTS, "reason": "drifts"}]},
     "quarantined", False, "the inputs sha256-1111"),
    ("misbehaves", "good", None,
     {"behaviour": [{"check": "raising 'a' by 1 never lowers it", "rows": 9, "broke": 3, "tolerated": 0.0, "worst": 0.1,
                     "passed": False}]},
     "below-threshold", False, "raising 'a' by 1 never lowers it: 3 of 9 rows break it"),
]  # fmt: skip


def test_a_rule_of_the_list_is_judged(judge: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is added by one entry of RULES: it refuses, and its words are a reason."""

    def few(case: rule.Case) -> list[rule.Rule]:
        return [rule.Rule("inputs", outcomes.BELOW_THRESHOLD, len(case.manifest.signature.inputs) > 9, "few")]

    monkeypatch.setattr(gate, "RULES", (*rule.RULES, few))
    verdict = judge("good", None)
    assert (verdict["outcome"], verdict["passed"]) == ("below-threshold", False)
    assert verdict["rules"][-1] == {"rule": "inputs", "outcome": "below-threshold", "passed": False, "words": "few"}
    assert verdict["reason"] == "few"


@pytest.mark.parametrize(
    ("challenger", "champion", "changes", "outcome", "passed", "words"),
    [case[1:] for case in FOUGHT],
    ids=[case[0] for case in FOUGHT],
)
def test_the_verdict(
    judge: Callable[..., dict[str, Any]],
    challenger: str,
    champion: str | None,
    changes: dict[str, Any],
    outcome: str,
    passed: bool,
    words: str,
) -> None:
    """Each way a contest can end has its outcome, its reason in words, and its numbers."""
    verdict = judge(challenger, champion, **changes)
    assert (verdict["outcome"], verdict["passed"]) == (outcome, passed), verdict["reason"]
    assert words in verdict["reason"]
    assert verdict["passed"] == all(rule["passed"] for rule in verdict["rules"])
    assert verdict["schema_version"] == 2
    assert (verdict["champion"] or {}).get("environment") == (champion and "production")
    assert (verdict["inputs_digest"], verdict["model"]) == ("sha256-" + "1" * 64, "toy")


def test_swapped_the_verdict_flips(judge: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """What one side wins by the other loses by, to the bit."""
    won = judge("good", "weak")
    (tmp_path / "build/champion").unlink()
    lost = judge("weak", "good")
    assert (won["outcome"], lost["outcome"]) == ("better", "worse")
    for metric, difference in won["comparison"]["differences"].items():
        other = lost["comparison"]["differences"][metric]
        assert difference["value"] == -other["value"], metric
        assert [difference["low"], difference["high"]] == pytest.approx([-other["high"], -other["low"]], rel=1e-9), (
            metric
        )
    assert won["comparison"]["golden"]["moved"] == lost["comparison"]["golden"]["moved"] > 0


def test_a_champion_can_be_replaced_without_a_comparison_when_it_is_named(
    judge: Callable[..., dict[str, Any]], contest: Contest
) -> None:
    """`replaces` names one digest: it is an answer to one champion, and never switches the gate off."""
    refused = judge("good", "renamed")
    named = refused["champion"]["digest"]
    assert f"set gate.champion.replaces: {named}" in refused["reason"]
    allowed = judge("good", "renamed", {"gate__champion": {"replaces": named}})
    assert (allowed["outcome"], allowed["passed"]) == ("incomparable", True)
    other = judge("good", "renamed", {"gate__champion": {"replaces": "sha256-" + "7" * 64}})
    assert not other["passed"]


def test_a_champion_that_is_not_what_git_names_is_no_opponent(
    judge: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """One changed byte: 20 before anything is deserialised, and no verdict."""
    judge("good", "weak")
    link = tmp_path / "build/champion"
    real = link.resolve()
    link.unlink()
    shutil.copytree(real, link)
    model = link / "model.joblib"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError, match=r"model\.joblib"):
        judge("good", "weak")


def test_only_rows_that_the_champion_never_saw_are_compared(
    judge: Callable[..., dict[str, Any]], contest: Contest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A champion of an earlier split saw part of this holdout: the rest decides, and the verdict says how many."""
    half = contest.table.test[:600]
    champion = contest.artifact("earlier", pipeline(0.003), train=half, target=contest.table.test_target[:600])
    monkeypatch.setattr("tests.pipeline.gate.test_gate.renamed", lambda contest: champion)
    verdict = judge("good", "renamed")
    assert verdict["outcome"] == "better"
    numbers = next(rule for rule in verdict["rules"] if rule["rule"] == "holdout.champion")
    assert (numbers["rows"], numbers["trained"], numbers["unknown"]) == (900, 600, 0)
    assert verdict["comparison"]["rows"] == 900


def test_release_accepts_what_the_gate_passes() -> None:
    """Release does not import pipeline: the words of both are held equal here."""
    assert set(outcomes.PASSES) | {"passed"} == obeyed.PASSES


def test_rows_are_known_by_the_smallest_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of data too large to keep, what is known is still certain; the file does not grow; -0.0 is 0.0."""
    monkeypatch.setattr(training_rows, "LIMIT", 1000)
    random = np.random.default_rng(1)
    texts = np.array([*"abcdefg", np.nan], dtype=object)
    table = {"n": random.normal(0, 1, 20_000).round(3), "t": texts[random.integers(0, 8, 20_000)]}
    trained = {name: values[:10_000] for name, values in table.items()}
    rest = training_rows.TrainingRows.of(trained)
    again = training_rows.TrainingRows.from_bytes(rest.to_bytes())
    assert (len(again.hashes), again.complete) == (1000, False)
    hashes = row_hashes.of(table)
    reference = again.covers(hashes)
    assert 0.02 < reference.mean() < 0.5
    truth = np.isin(hashes, hashes[:10_000])
    assert (again.trained(hashes)[reference] == truth[reference]).all()
    assert 0.3 < truth[reference].mean() < 0.9
    zeros = row_hashes.of({"n": np.array([0.0, -0.0, np.nan])})
    assert zeros[0] == zeros[1] != zeros[2]
    with pytest.raises(IntegrityError):
        training_rows.TrainingRows.from_bytes(b"x")


def test_enforcing_ends_with_41(again: Repository) -> None:
    """The stage finishes and the verdict refuses; --enforce says it by its exit code, and judges nothing itself."""
    again.params(gate__thresholds={"accuracy": {"min": 0.999}})
    assert "gate refused, below-threshold: accuracy 0.955556 is below 0.999" in again.done("pipeline", "gate")
    assert json.loads(again.read("build/verdict.json"))["passed"] is False
    enforced = again.run("pipeline", "gate", "--enforce")
    assert enforced.returncode == 41
    assert "below-threshold: accuracy 0.955556 is below 0.999" in enforced.stderr.splitlines()[-1]
    verdict = json.loads(again.read("build/verdict.json")) | {"passed": True, "model_digest": digest.of_bytes(b"x")}
    (again.path / "build/verdict.json").write_text(json.dumps(verdict))
    assert "judge it with `dvc repro`" in again.run("pipeline", "gate", "--enforce").stderr


def test_the_gate_is_a_module_that_reads_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what Git says of the champion there is no verdict, and above all no first deployment: 10."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="dvc repro champion"):
        gate.Champion.read()
