"""Stage gate: judge by the rules of params.yaml whether this artifact may replace the champion, and write the verdict.

`release publish` obeys the verdict. The stage itself ends with 0 whatever it is, so that `dvc repro` finishes and the
report can be read; --enforce, which CI and `make gate` use, reads the verdict and ends with 41 when it is a refusal.
docs/gate.md has the rules.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact import digest
from artifact import load as artifacts
from artifact.errors import ConfigurationError, GateRefused
from artifact.load import Loaded
from artifact.prediction import Columns
from pipeline.gate import outcomes
from pipeline.gate.champion import Champion, training_rows_of
from pipeline.gate.rules import RULES, Case
from pipeline.packaging.training_rows import TrainingRows
from pipeline.params.params import Params, load
from pipeline.shared import json_file, paths, row_hashes, tables
from pipeline.shared.stored_columns import StoredColumns

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Challenger:
    """The artifact in build/: loaded, with the rows it was trained on and what the stages before measured of it.

    `twins_apart`: equal rows may stand on both sides of its split.
    """

    loaded: Loaded
    training_rows: TrainingRows | None
    inputs: Mapping[str, Any]
    metrics: Mapping[str, Any]
    guessing: Mapping[str, Any]
    behaviour: Sequence[Mapping[str, Any]]
    latency: Mapping[str, Any]
    twins_apart: bool


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/verdict.json and reports/comparison.json, or (--enforce) obey the verdict that is there."""
    parser = argparse.ArgumentParser(prog="python -m pipeline gate", description=__doc__)
    parser.add_argument("--enforce", action="store_true", help="judge nothing; exit 41 unless the verdict is to pass")
    if parser.parse_args(argv).enforce:
        enforce()
        return
    params = load()
    holdout, target = StoredColumns(paths.TEST, params), tables.read_target(paths.TEST, params)
    verdict, comparison = decide(params, challenger(params), Champion.read(), holdout, target)
    for path, value in ((paths.COMPARISON, comparison), (paths.VERDICT, verdict)):
        json_file.write(path, value)
    print(f"gate {'passed' if verdict['passed'] else 'refused'}, {verdict['outcome']}: {verdict['reason']}")


def decide(
    params: Params, challenger: Challenger, champion: Champion, holdout: Columns, target: np.ndarray
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The verdict, and the comparison with the champion on the rows of `holdout` where there is one.

    Raises ConfigurationError (10) for a rule that does not fit the model, IntegrityError (20) and GoldenError (23) for
    a champion that is not what Git names or does not repeat its answers.
    """
    mine = challenger.loaded
    hashes = row_hashes.of(holdout)
    opponent = None
    if champion.digest not in (None, mine.digest):
        from pipeline.gate.contest import Opponent  # here: it loads scikit-learn, which nothing else here needs

        opponent = Opponent.of(params, champion, mine)
    case = Case(
        gate=params.gate,
        digest=mine.digest,
        inputs_digest=challenger.inputs["inputs_digest"],
        manifest=mine.manifest,
        champion=None if opponent is None else opponent.verified.manifest,
        unchanged=champion.digest == mine.digest,
        metrics=challenger.metrics,
        guessing=challenger.guessing,
        behaviour=challenger.behaviour,
        latency=challenger.latency,
        holdout=len(hashes),
        trained=_trained(challenger.training_rows, hashes),
        twins_apart=challenger.twins_apart,
        quarantined=champion.quarantined,
    )
    rules = [rule for check in RULES for rule in check(case)]
    comparison = None
    if opponent is not None:
        contest = opponent.judge(holdout, target, hashes, challenger.twins_apart)
        comparison, passes, words = contest.comparison, contest.outcome, contest.words
        rules += contest.rules
    elif case.unchanged:
        passes, words = outcomes.NO_CHANGE, [f"{champion.environment} serves this very artifact"]
    else:
        passes, words = outcomes.FIRST_DEPLOYMENT, [f"no {params.model.name} was ever deployed"]
    broken = sorted(
        (rule for rule in rules if not rule.passed), key=lambda rule: list(outcomes.REFUSALS).index(rule.outcome)
    )
    reasons = [rule.words for rule in broken] or [
        *words,
        *(rule.words for rule in rules if rule.rule.startswith("thresholds.")),
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "model": params.model.name,
        "passed": not broken,
        "outcome": broken[0].outcome if broken else passes,
        "reason": "; ".join(reasons),
        "rules": [rule.to_dict() for rule in rules],
        "model_digest": mine.digest,
        "inputs_digest": challenger.inputs["inputs_digest"],
        "data_digest": challenger.inputs["data_digest"],
        "champion": champion.named(),
    }, comparison


def challenger(params: Params) -> Challenger:
    """What the stages before left in build/ and reports/; ConfigurationError (10) names a file that is missing."""
    if not (paths.ARTIFACT / "manifest.json").is_file():
        raise ConfigurationError(f"{paths.ARTIFACT} holds no artifact; make one with `dvc repro`")
    verified = artifacts.verify(paths.ARTIFACT, expected_digest=None, name=params.model.name, allow_unpinned=True)
    loaded = artifacts.deserialise(verified)
    latency = json_file.read(paths.LATENCY)
    if latency["model_digest"] != loaded.digest:
        raise ConfigurationError(f"{paths.LATENCY} speaks of {latency['model_digest']}; make it anew with `dvc repro`")
    return Challenger(
        loaded=loaded,
        training_rows=training_rows_of(verified.files),
        inputs=json_file.read(paths.INPUTS),
        metrics=json_file.read(paths.METRICS),
        guessing=json_file.read(paths.GUESSING)["better_by"],
        behaviour=json_file.read(paths.BEHAVIOUR),
        latency=latency,
        twins_apart=json_file.read(paths.PREPARED)["twins"] == "apart",
    )


def enforce() -> None:
    """GateRefused (41) unless build/verdict.json passes the artifact in build/ made from these inputs."""
    verdict = json_file.read(paths.VERDICT)
    manifest = paths.ARTIFACT / "manifest.json"
    now = (digest.of_file(manifest) if manifest.is_file() else "nothing", json_file.read(paths.INPUTS)["inputs_digest"])
    if (verdict.get("model_digest"), verdict.get("inputs_digest")) != now:
        raise GateRefused(
            f"{paths.VERDICT} speaks of {verdict.get('model_digest')}, build/ holds {now[0]}; judge it with `dvc repro`"
        )
    if verdict.get("passed") is not True:
        raise GateRefused(
            f"{verdict.get('outcome')}: {verdict.get('reason')}; see {paths.REPORT}, then change the data or "
            "params.yaml and run `dvc repro` again"
        )
    print(f"gate passed, {verdict['outcome']}: {verdict['reason']}")


def _trained(training_rows: TrainingRows | None, hashes: np.ndarray) -> int:
    return 0 if training_rows is None else int((training_rows.covers(hashes) & training_rows.trained(hashes)).sum())
