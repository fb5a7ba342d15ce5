"""Repair MLflow's aliases from what Git says: `champion`, `previous` and `challenger` of each model.

Git decides and MLflow shows: nothing that serves reads an alias, so that a registry that is down stops no rollback.
Run it after a deploy, a promotion or a rollback, or at any time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from artifact.errors import ConfigurationError
from pipeline.tracking import server

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
_ENVIRONMENTS = ("production", "staging")  # the champion is that of the first that serves one


def main(argv: Sequence[str] | None = None) -> int | None:
    """Print what changed; the exit code of `release status` where that fails, 30 where the registry does."""
    parser = argparse.ArgumentParser(prog="python -m audit aliases", description=__doc__)
    parser.add_argument("--model", help="only this model (default: every model that Git names)")
    model = parser.parse_args(argv).model
    command = [sys.executable, "-m", "release", "status", "--json", *(["--model", model] if model else [])]
    status = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if status.returncode:
        return status.returncode  # it has said why
    for name, records in _by_model(_read(status.stdout)).items():
        print("\n".join(_repair(name, aliases(records))))
    return None


def _repair(model: str, champions: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    changes, address = server.ask(lambda registry: registry.mirror(model, champions))
    return changes or [f"{model}: the aliases at {address} are those of Git"]


def aliases(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any] | None]:
    """Alias → the release it belongs to, or None where it belongs to none; `records` by environment.

    champion: what holds production, or staging before anything holds production. previous: what a rollback there leads
    back to. challenger: what is on its way, by a canary or from staging to production.
    """
    home = next((records[name] for name in _ENVIRONMENTS if name in records and records[name]["stable"]), None)
    if home is None:
        return dict.fromkeys((CHAMPION, PREVIOUS, CHALLENGER))
    champion, challenger = home["stable"], home["candidate"]
    if challenger is None and home["environment"] == "production":
        challenger = records.get("staging", {}).get("candidate") or records.get("staging", {}).get("stable")
    if challenger is not None and challenger["digest"] == champion["digest"]:
        challenger = None
    # The same model in another image is another release, and the same version.
    before = [release for release in home["releases"] if release["digest"] != champion["digest"]]
    return {CHAMPION: champion, PREVIOUS: before[0] if before else None, CHALLENGER: challenger}


def _by_model(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    models: dict[str, dict[str, Mapping[str, Any]]] = {}
    for record in records:
        models.setdefault(record["model"], {})[record["environment"]] = record
    return models


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"`release status --json` printed no JSON ({error}): update the checkout") from error
