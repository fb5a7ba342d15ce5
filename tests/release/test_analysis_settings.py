"""The section `analysis` of environment.yaml: what may stand in it, and what is said when something else does."""

import dataclasses

import pytest

from artifact.errors import ConfigurationError
from monitoring.shadow_evidence import ShadowLimits
from monitoring.thresholds import Source, Thresholds
from release.gitops import environment


def parsed(section: str) -> Thresholds | None:
    return environment.parse(f"shape: Knative\n{section}\n", "environment.yaml").analysis


def test_it_is_off_unless_it_is_there() -> None:
    """Without the section, with an empty one and with `off` no canary is decided by itself."""
    assert parsed("") is None
    assert parsed("analysis:") is None
    assert parsed("analysis: off") is None


def test_what_is_left_out_has_its_default_and_every_key_is_read() -> None:
    """An empty mapping gives the defaults; each field of Thresholds can be set."""
    assert parsed("analysis: {}") == Thresholds()
    chosen = Thresholds(
        "http://p:9090",
        0.01,
        2,
        1.5,
        "roll-back",
        (20, 50),
        5,
        1,
        12,
        30,
        15,
        30,
        Source("total", "code", "name"),
        ShadowLimits(50, None, 0.2, 3),
    )
    text = ", ".join(
        f"{name}: {list(value) if isinstance(value, tuple) else value}"
        for name, value in dataclasses.asdict(chosen).items()
        if name not in ("source", "prometheus", "shadow")
    )
    source = "{requests: total, code: code, release: name}"
    shadow = "{requests: 50, agreement: null, difference: 0.2, latency_ratio: 3}"
    assert parsed(f'analysis: {{{text}, prometheus: "http://p:9090", source: {source}, shadow: {shadow}}}') == chosen
    assert parsed("analysis: {shadow: {}}") == Thresholds(shadow=ShadowLimits())


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("yes", "must be a mapping"),
        ("{error_rate: 0}", "error_rate must be a number above 0 to 0.5, not 0"),
        ("{error_rate: 60 %}", "error_rate must be a number"),
        ("{error_ratio: 1}", "error_ratio must be a number from 1.1"),
        ("{steps: [50, 20]}", "rising percentages"),
        ("{steps: [100]}", "rising percentages"),
        ("{predictions: maybe}", "ask or roll-back"),
        ("{source: {requests: a}}", "lacks 'code'"),
        ("{shadow: {agreement: 2}}", "analysis.shadow.agreement must be a number above 0 to 1, not 2"),
        ("{shadow: {agree: 1}}", "unknown keys"),
        ("{error_rat: 0.1}", "unknown keys"),
    ],
)
def test_anything_else_is_refused_with_its_value(section: str, message: str) -> None:
    """A value out of range, of another kind, or under an unknown key is a ConfigurationError that names it."""
    with pytest.raises(ConfigurationError, match=message):
        parsed(f"analysis: {section}")


def test_the_deadline_fits_the_slowest_traffic() -> None:
    """By default 1,443 canary requests fit: 21 hours at 0.2 requests a second and 10 percent."""
    assert Thresholds().deadline(10) == 21 * 3600
    assert Thresholds(deadline_hours=2).deadline(10) == 7200
    assert Thresholds().silence(10) == pytest.approx(345, abs=1)
    assert Thresholds(slowest=100).silence(10) == 300
