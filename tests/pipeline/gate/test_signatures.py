"""What a caller would notice of another signature is named; what it would not is no difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from artifact.signature import Feature, Output, Signature
from pipeline.gate.signatures import difference

A, B = Feature("a", "float64", range=(0, 1)), Feature("b", "string", categories=("x", "y"))
BEFORE = Signature("classification", (A, B), (Output("label", "string", categories=("no", "yes")),))

CHANGED = [
    (replace(BEFORE, task="regression"), "the task was classification, now regression"),
    (replace(BEFORE, inputs=(A,)), "the input 'b' is gone"),
    (replace(BEFORE, inputs=(A, B, Feature("c", "bool"))), "the input 'c' is new"),
    (replace(BEFORE, inputs=(B, A)), "the inputs have another order"),
    (replace(BEFORE, inputs=(Feature("a", "int64"), B)), "dtype of 'a' was float64, now int64"),
    (replace(BEFORE, inputs=(replace(A, nullable=True), B)), "nullable of 'a' was False, now True"),
    (replace(BEFORE, outputs=(*BEFORE.outputs, Output("more", "float64"))), "the output 'more' is new"),
    (
        replace(BEFORE, outputs=(Output("label", "string", categories=("no",)),)),
        "the output 'label' has other classes or columns",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("now", "words"), CHANGED)
def test_a_change_is_named(now: Signature, words: str) -> None:
    """Inputs by name, order, type and whether they may be missing; outputs with their classes."""
    assert difference(BEFORE, now) == words


def test_other_constraints_are_no_difference() -> None:
    """Ranges and categories of inputs say what is refused; the held-out rows show whether both take them."""
    assert difference(BEFORE, replace(BEFORE, inputs=(replace(A, range=None), replace(B, categories=None)))) is None
