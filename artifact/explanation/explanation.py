"""Scores taken apart: a base value, and what each input adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


class NotApplicable(Exception):
    """This model cannot be taken apart; the message says which part of it is why."""


@dataclass(frozen=True)
class Explanation:
    """`base`, [outputs], plus the sum of `contributions`, [rows, outputs, inputs], is the model's score of a row.

    Inputs are in the signature's order. `outputs` names each score: a class, a target, or the second of two classes.
    """

    outputs: tuple[str, ...]
    base: np.ndarray
    contributions: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """Base and contributions together, [rows, outputs]."""
        return np.asarray(self.base + self.contributions.sum(axis=2))


def together(parts: Sequence[Explanation]) -> Explanation:
    """One explanation for the rows of `parts`, one behind the other."""
    return Explanation(parts[0].outputs, parts[0].base, np.concatenate([part.contributions for part in parts]))
