"""docs/canaries.md: its settings, its thresholds and its measured figures are those of the code and of the table."""

import dataclasses
import re
from pathlib import Path

import yaml

from monitoring import canary
from monitoring.shadow_evidence import ShadowLimits
from monitoring.thresholds import Thresholds
from release.gitops import environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/canaries.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "docs/measured/canaries.md").read_text(encoding="utf-8")
REPLAY_ROWS = re.findall(
    r"^\| (.+?) \| ([\d.]+) \| (e-values|threshold a minute) \| ([\d.]+) % \| ([\d.]+) % \|", MEASURED, re.M
)


def test_every_key_and_default_of_the_table_is_that_of_the_code() -> None:
    """A row for each field of Thresholds, with its default; the example loads."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.M))
    default = dataclasses.asdict(Thresholds())
    assert set(rows) == set(default)
    for name, row in rows.items():
        if name not in ("prometheus", "deadline_hours", "source", "shadow"):
            value = default[name]
            assert row == str(list(value) if isinstance(value, tuple) else f"{value:g}" if value != "ask" else value)
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    analysis = environment.parse("shape: Knative\n" + example, "environment.yaml").analysis
    assert analysis is not None
    assert analysis.prometheus == yaml.safe_load(example)["analysis"]["prometheus"]


def test_the_conditions_on_shadow_requests_are_those_of_the_code() -> None:
    """Their defaults, as the page says them."""
    limits = ShadowLimits()
    assert f"{limits.requests} `requests`, an `agreement` of {limits.agreement:g} of" in PAGE
    assert f"at most {limits.latency_ratio:g} times the stable release's milliseconds" in PAGE


def test_the_thresholds_of_the_page_are_those_of_the_code() -> None:
    """Errors 33, latency, vanished classes and predictions 100, promotion 100, a greater share 10."""
    matches = [int(number) for number in re.findall(r"\(E of (\d+)\)", PAGE)]
    harm = [round(canary.HARM[name]) for name in ("errors", "latency", "vanished")]
    assert matches == [*harm, round(canary.DIFFERENT), round(canary.PROMOTE)]
    assert f"when that E is {canary.ADVANCE:.0f}" in PAGE


def test_the_measured_figures_are_those_of_the_table() -> None:
    """Every figure of the last section, from the table of 2,000 replays; the goals of both error rates are kept."""

    def of(kind: str, rule: str, column: int) -> list[float]:
        return sorted(float(row[column]) for row in REPLAY_ROWS if row[0] == kind and row[2] == rule)

    identical, clumped = (of(kind, "e-values", 4) for kind in ("identical", "identical, errors in clumps of 5"))
    assert f"{identical[0]:g} to {identical[-1]:g} of 100" in PAGE
    assert f"{clumped[0]:g} to {clumped[-1]:g}" in PAGE
    assert identical[-1] <= 5 >= clumped[-1]
    assert of("5 % errors against 1 %", "e-values", 3) == [0, 0, 0]
    promoted = of("5 % errors against 1 %", "threshold a minute", 3)
    assert f"{promoted[0]:g} to\n{promoted[-1]:g} of 100" in PAGE
