"""docs/drift.md: its commands, its outcomes and its measured figures are those of the code and of the table."""

import re
import subprocess
import sys
from pathlib import Path

from monitoring import domain_classifier, drift_detector, risk
from monitoring.retraining import ISSUE, KINDS, NOTHING, TRAIN, Policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/drift.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "docs/measured/drift.md").read_text(encoding="utf-8")


def test_options_outcomes_and_defaults_are_those_of_the_code() -> None:
    """What the page names exists: options of the command, outcomes, kinds, thresholds and defaults."""
    parts = PAGE.split("\n## ")
    texts = {
        "drift": "".join(parts[:2]),
        "log-drift": next(part for part in parts if part.startswith("From the inference log")),
        "labels": next(part for part in parts if part.startswith("Labels that come back")),
    }
    for name, text in texts.items():
        command = [sys.executable, "-m", "monitoring", name, "--help"]
        process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
        named, reference = (set(re.findall(r"(--[a-z]+)", part)) for part in (text, process))
        assert named - {"--kind", "--alarm"} == reference - {"--help", "--alarm"}
    assert f"over\n{domain_classifier.LEAST_AUC}, and it names" in PAGE
    assert f"passes {risk.ALARM:,.0f} labels" in PAGE
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M)) == {TRAIN, ISSUE, NOTHING}
    assert all(f"`{kind}`" in PAGE for kind in KINDS)
    policy = Policy()
    assert f"`cooldown_days` ({policy.cooldown_days:g}), `per_month` ({policy.per_month})" in PAGE
    assert f"{drift_detector.ALARM:.0f} windows pass" in PAGE
    assert f"less than {drift_detector.LEAST_ROWS:,} rows" in PAGE


def test_the_measured_figures_are_those_of_the_table() -> None:
    """No alarm without drift but where a day is taken for a week; the delays that the page says."""
    quiet = re.findall(r"^\| (.+?) \| (\d+) \| ([\d,]+) \| (\d+) \|", MEASURED, re.M)
    assert {int(alarms) for kind, _, _, alarms in quiet if "windows of a day" not in kind} == {0}
    assert {windows for *_, windows, _ in quiet} == {"2,000"}
    delays = {
        (psi, rows): (int(half), int(most))
        for psi, _, rows, half, most in re.findall(
            r"^\| ([\d.]+) \| (\d+) \| ([\d,]+) \| (\d+) / (\d+) \|", MEASURED, re.M
        )
    }
    assert delays["0.25", "2,000"] == (1, 1)
    assert delays["0.1", "2,000"] == (2, 3)
