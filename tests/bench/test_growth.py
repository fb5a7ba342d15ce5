"""The growth curves: what their slopes say, and that each point was really asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import growth
from bench.curves import Curve, Point
from tests.bench.test_bench import Here, needs_taskset


def curve(*costs: tuple[int, float]) -> Curve:
    points = tuple(Point(number, cost, 2 * cost, 100 << 20) for number, cost in costs)
    return Curve("rows", "rows", "v1", points)


def test_a_slope_of_one_is_linear() -> None:
    """A cost that doubles with the number has the slope 1, one that quadruples 2, whatever a fixed part does before."""
    assert curve((10, 1.0), (100, 10.0), (1000, 100.0)).slopes == (pytest.approx(1), pytest.approx(1))
    assert curve((10, 1.0), (100, 100.0), (1000, 10_000.0)).slopes == (pytest.approx(2), pytest.approx(2))
    fixed = curve(*((number, 1 + number / 1000) for number in (1, 10, 100, 1000, 10_000, 100_000)))
    assert 0.5 < fixed.slopes[0] < fixed.slopes[1] < 1
    hidden = curve((1, 1.0), (10, 1.0), (100, 500.0), (1000, 500.0), (10_000, 500.0))
    assert (hidden.slopes[0], hidden.slopes[1] > 2) == (pytest.approx(0, abs=1e-9), True)
    assert fixed.memory_slope == pytest.approx(0)
    assert fixed.lines()[0].startswith("rows (v1): slope of CPU 0.")


@needs_taskset
@pytest.mark.story
def test_each_point_is_asked_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests, scoring and forests of growing size are answered rightly, measured, printed and drawn."""
    measured = growth.Growth(Here(tmp_path), quick=True)
    growth.measure(measured, ["json", "scoring", "depth"], tmp_path / "out")
    curves = json.loads((tmp_path / "out/growth.json").read_text())["curves"]
    assert [curve["name"] for curve in curves] == ["rows v1", "scoring", "depth"]
    for item in curves:
        assert len(item["points"]) >= 2
        assert all(point["cpu"] > 0 and point["memory"] > 30 << 20 for point in item["points"])
    assert (tmp_path / "out/growth.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out/growth.md").read_text().strip("`\n") in capsys.readouterr().out
