"""Slices have names that say which rows they are, and few of them are accused by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from artifact.validation.frame import columns
from pipeline.evaluation import slices
from pipeline.params.evaluate import Slices

RANDOM = np.random.default_rng(6)
ROWS = 1200
FRAME = pd.DataFrame(
    {
        "size": RANDOM.uniform(0, 100, ROWS),
        "flag": RANDOM.integers(0, 2, ROWS).astype(float),
        "color": RANDOM.choice(
            np.array(["red", "blue", "rare", np.nan], dtype=object), ROWS, p=[0.5, 0.3, 0.005, 0.195]
        ),
    }
)
FRAME.loc[:99, "size"] = np.nan
COLOR, SIZE = FRAME["color"].to_numpy(), FRAME["size"].to_numpy()
LOSS = np.where((COLOR == "red") & (np.nan_to_num(SIZE) > 75), 2.0, 0.1)


def cut(**settings: Any) -> dict[str, slices.Slice]:
    return {part.name: part for part in slices.of(columns(FRAME), None, LOSS, Slices(**settings))}


def test_declared_slices_are_the_rows_they_say() -> None:
    """Numbers by edges, text by categories; what is missing is in no bin."""
    parts = cut(by={"size": [25, 50], "color": ["blue"]}, found=False)
    assert list(parts) == ["size < 25", "25 ≤ size < 50", "size ≥ 50", "color = blue"]
    assert (parts["25 ≤ size < 50"].mask == ((SIZE >= 25) & (SIZE < 50))).all()
    assert (parts["color = blue"].mask == (COLOR == "blue")).all()
    assert not any(parts[name].mask[:100].any() for name in list(parts)[:3])


def test_slices_are_found_without_being_declared() -> None:
    """Categories, quarters, what is missing, and the combination that a tree finds; none with too few rows."""
    parts = cut()
    assert {"color = red", "color = blue", "color missing", "size missing", "flag = 0", "flag = 1"} <= set(parts)
    assert "color = rare" not in parts
    assert sum(name.startswith(("size", "24", "25", "26", "49", "50", "51")) for name in parts) >= 5
    searched = [part for part in parts.values() if part.origin == "searched"]
    worst = max(searched, key=lambda part: LOSS[part.mask].mean())
    assert "color = red" in worst.name
    assert "size > 7" in worst.name
    assert LOSS[worst.mask].mean() > 1.5
    # Judged on other rows than those it was found on.
    assert not worst.mask[::2].any()


def test_the_target_and_twins_of_a_slice() -> None:
    """A class of the target is a slice; the same rows under two names are one."""
    target = np.where(COLOR == "red", "yes", "no").astype(object)
    parts = [part.name for part in slices.of(columns(FRAME), ("y", target), LOSS, Slices())]
    assert "y = no" in parts
    assert "y = yes" not in parts  # it is color = red
    assert list(slices.of(columns(FRAME[:40]), None, LOSS[:40], Slices())) == []


def test_many_slices_are_rarely_accused_together() -> None:
    """Where nothing is wrong anywhere, at most some five in a hundred holdouts have any slice beyond its interval."""
    accused = 0
    masks = RANDOM.random((40, 500)) < 0.2
    for _ in range(200):
        loss = RANDOM.normal(0, 1, 500)
        ends = [slices.Mean.of(loss[mask]).interval(0.95, len(masks)) for mask in masks]
        accused += any(low > 0 or high < 0 for low, high in ends)
    assert accused <= 22
    mean = slices.Mean.of(np.array([1.0]))
    assert (mean.value, *mean.interval(0.95, 1)) == (1.0, -np.inf, np.inf)
