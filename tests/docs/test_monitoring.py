"""docs/monitoring.md: its alerts, files, keys and options are those of the tree."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from monitoring.rules.alerts import alerts
from monitoring.rules.burn_rates import alerts as burn_rates
from monitoring.rules.objectives import Objective

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")


def test_every_alert_is_listed_with_its_severities() -> None:
    """The table has each alert of the rules and no other."""
    listed = dict(re.findall(r"^\| `(Modelpin\w+)` \| ([a-z, ]+) \|", PAGE, re.M))
    reference: dict[str, list[str]] = {}
    for alert in (*burn_rates(), *alerts()):
        if alert.severity not in reference.setdefault(alert.name, []):
            reference[alert.name].append(alert.severity)
    assert listed == {name: ", ".join(severities) for name, severities in reference.items()}


@pytest.mark.example
def test_files_keys_and_options_exist() -> None:
    """What the page names is there."""
    assert all((ROOT / path).exists() for path in re.findall(r"`((?:gitops|docs)/[\w./-]+)`", PAGE))
    assert (ROOT / "gitops/models/iris/staging/../../../components/monitoring").is_dir()
    assert all(f"`{field.name}`" in PAGE for field in fields(Objective))
    process = subprocess.run(
        [sys.executable, "-m", "monitoring", "board", "--help"], capture_output=True, text=True, cwd=ROOT
    ).stdout
    assert set(re.findall(r"(--(?:prometheus|namespace|hours|page))", PAGE)) <= set(re.findall(r"--\w+", process))
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= set(re.findall(r"^([a-z-]+):", makefile, re.M))
