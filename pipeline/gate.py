"""Stage gate: whether this artifact may be published, by the thresholds of params.yaml, as a file that release obeys.

The stage itself ends with 0 whatever the verdict, so that `dvc repro` finishes and the reports can be read; --enforce,
which CI and `make gate` use, ends with 41 when the gate did not pass.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artifact import digest
from artifact.command import run
from artifact.errors import ConfigurationError, GateRefused
from pipeline import paths
from pipeline.params import Params, load
from pipeline.threshold import Threshold

PASSED, FAILED = "passed", "failed"
SCHEMA_VERSION = 1


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/verdict.json."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.gate", description=__doc__)
    parser.add_argument("--enforce", action="store_true", help="exit 41 when the gate does not pass")
    arguments = parser.parse_args(argv)
    verdict = decide(load(), _read(paths.METRICS), _read(paths.INPUTS), artifact_digest(paths.ARTIFACT))
    paths.VERDICT.write_text(json.dumps(verdict, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"gate {verdict['outcome']}: {verdict['reason']}")
    if arguments.enforce and verdict["outcome"] != PASSED:
        raise GateRefused(f"{verdict['reason']}; change the data or params.yaml and run `dvc repro` again")


def decide(params: Params, metrics: Mapping[str, Any], inputs: Mapping[str, Any], model_digest: str) -> dict[str, Any]:
    """The verdict on the artifact `model_digest`: every rule with its value, and the reason in one sentence.

    ConfigurationError (10) for a rule on a metric that this model does not have.
    """
    rules = [entry for threshold in params.thresholds for entry in _rules(threshold, metrics)]
    broken = [rule for rule in rules if not rule["passed"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": FAILED if broken else PASSED,
        "reason": "; ".join(map(_in_words, broken or rules)),
        "rules": rules,
        "model": params.model.name,
        "model_digest": model_digest,
        "inputs_digest": inputs["inputs_digest"],
        "data_digest": inputs["data_digest"],
    }


def artifact_digest(directory: Path) -> str:
    """The digest that names the artifact in `directory`: that of its manifest."""
    manifest = directory / "manifest.json"
    if not manifest.is_file():
        raise ConfigurationError(f"{directory} holds no artifact; make one with `dvc repro`")
    return digest.of_file(manifest)


def _rules(threshold: Threshold, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    if threshold.metric not in metrics:
        raise ConfigurationError(
            f"params.yaml: gate.thresholds.{threshold.metric}: the estimator gives no probabilities and so no such "
            f"metric; use one of {', '.join(name for name in metrics if name != 'rows')}"
        )
    value = metrics[threshold.metric]["value"]
    found = []
    for side, limit in (("min", threshold.min), ("max", threshold.max)):
        if limit is not None:
            # A metric that the holdout does not define passes nothing.
            passed = value is not None and (value >= limit if side == "min" else value <= limit)
            found.append({"metric": threshold.metric, side: limit, "value": value, "passed": passed})
    return found


def _in_words(rule: Mapping[str, Any]) -> str:
    value = "not defined on this holdout" if rule["value"] is None else f"{rule['value']:.6g}"
    side = "min" if "min" in rule else "max"
    relation = {("min", True): "at least", ("max", True): "at most", ("min", False): "below", ("max", False): "above"}
    if rule["value"] is None:
        return f"{rule['metric']} is {value}, {side} {rule[side]:g}"
    return f"{rule['metric']} {value} is {relation[side, rule['passed']]} {rule[side]:g}"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); make it with `dvc repro`") from error


if __name__ == "__main__":
    run(main)
