"""The name that was meant: found among many names as among few."""

from __future__ import annotations

import random

import pytest

from artifact.validation import spelling
from artifact.validation.spelling import Spelling

NAMES = [f"sensor {at:04} temperature (°C)" for at in range(5000)]


def slips(name: str) -> list[str]:
    """`name` with a letter lost, doubled, changed, and two of them swapped, at its beginning, middle and end."""
    results = []
    for at in (0, len(name) // 2, len(name) - 2):
        results += [name[:at] + name[at + 1 :], name[: at + 1] + name[at:], name[:at] + "#" + name[at + 1 :]]
        results.append(name[:at] + name[at + 1] + name[at] + name[at + 2 :])
    return results


def test_slips_among_many_names() -> None:
    """Wherever the slip is, the name that is offered is one that is as near as the one that was meant."""
    many = Spelling(NAMES)
    for name in random.Random(9).sample(NAMES, 20):
        for slip in slips(name):
            near = many.nearest(slip)
            assert near is not None
            assert sum(letter != expected for letter, expected in zip(near, name, strict=True)) <= 2


def test_a_name_that_only_one_is_like() -> None:
    """Where only one name is like the mistyped one, it is offered, however many there are."""
    many = Spelling([*NAMES, "humidity"])
    assert {many.nearest(slip) for slip in slips("humidity")} == {"humidity"}
    assert many.nearest("colour") is None
    assert Spelling(["petal width (cm)", "petal length (cm)"]).nearest("petal_width (cm)") == "petal width (cm)"


def test_few_names_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is compared with a few dozen names at most, and a very long one with none."""
    compared = []
    monkeypatch.setattr(spelling.difflib, "get_close_matches", lambda _, names, __: compared.append(len(names)) or [])
    many = Spelling([*NAMES, "x" * 1000])
    assert (many.nearest("sensor 1234"), many.nearest("x" * 999)) == (None, None)
    assert len(compared) == 1
    assert compared[0] <= 4 * spelling._NEIGHBOURS
