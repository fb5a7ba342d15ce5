"""Columns looked up in the frequent texts of their feature: the same values and refusals as from a look at each."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifact.categorical import CategoricalColumns
from artifact.errors import InvalidRequest
from artifact.signature import Feature, Signature, is_unicode
from artifact.validation import table
from artifact.validation.table import TableRules
from artifact.validation.utf8_texts import LONGEST, Utf8Codes, Utf8Texts
from artifact.validation.validator import Validator

LONG = "ß" * (LONGEST // 2)
FREQUENT = ["a", "", "München", "eight888", "nine99999", LONG, LONG + "x", "nul\0", "b", ", ", "\ud800"]
OTHERS = ["c", "a ", "Munchen", "eight88", "nine99998", LONG[:-1], "nul", "\0", "\ud800", "x" * 99]
SIGNATURES = [
    Signature("regression", (Feature("t", "string", nullable, categories=categories), Feature("n", "int64")), ())
    for nullable in (False, True)
    for categories in (None, ("a", "München", "c"))
]


def utf8(texts: list[str]) -> Utf8Texts:
    """`texts` as they stand in JSON."""
    data = json.dumps(texts, ensure_ascii=False).encode()
    parts = [text.encode() for text in texts]
    lengths = np.array(list(map(len, parts)))
    starts = 2 + np.concatenate([[0], np.cumsum(lengths[:-1] + 4)])
    return Utf8Texts(data + bytes(LONGEST), starts, lengths, int(lengths.max()), '", "')


def in_utf8(text: str) -> bool:
    """Whether JSON need not escape anything in `text`, and it is not too long."""
    size = len(text.encode("utf-8", "surrogatepass"))
    return is_unicode(text) and json.dumps(text, ensure_ascii=False) == f'"{text}"' and size <= LONGEST


def accepted(rules: TableRules, values: Any, count: int) -> Any:
    """The column as a list, with None where it is missing."""
    columns = rules.accept({"t": values, "n": [1] * count})
    if columns is None:
        return None
    assert list(columns) == ["t", "n"]
    assert columns["t"].dtype == object
    return [None if value != value else value for value in columns["t"].tolist()]


@given(
    st.lists(st.sampled_from(FREQUENT[:-1]) | st.sampled_from([*FREQUENT, *OTHERS]) | st.text(), min_size=2),
    st.none() | st.sampled_from([None, 1, True, 1.5, float("nan"), [], {}, ["a"]]),
    st.integers(0),
)
def test_the_same_as_a_look_at_each(values: list[Any], odd: Any, place: int) -> None:
    """Frequent texts and others, long ones, halves of surrogate pairs, NUL, null and what is no text."""
    if odd is not None or place % 3 == 0:
        values = [*values]
        values[place % len(values)] = odd
    values = [*values, *FREQUENT[: 8 * (place % 2)] * len(values)]  # so that unknown ones are few, or many
    texts = all(isinstance(value, str) and in_utf8(value) for value in values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_SOME", 2)
        for signature in SIGNATURES:
            expected = accepted(TableRules(signature), values, len(values))
            rules = TableRules(signature, {"t": FREQUENT})
            assert accepted(rules, values, len(values)) == expected
            if texts:
                assert accepted(rules, utf8(values), len(values)) == expected
                assert accepted(TableRules(signature), utf8(values), len(values)) == expected


def test_a_rare_category() -> None:
    """A text that is seldom sent passes where it is declared, and is refused by its row where it is not."""
    validator = Validator(SIGNATURES[1], {"t": ["a", "b"]})
    texts = ["a"] * 99
    assert isinstance(validator.accept({"t": [*texts, "c"], "n": [1] * 100}), CategoricalColumns)
    for wrong in ("b", "d"):
        with pytest.raises(InvalidRequest, match=f"row 99: '{wrong}' is not one of the 3"):
            validator.columns({"t": [*texts, wrong], "n": [1] * 100})


def test_texts_of_one_slot() -> None:
    """Texts with the same beginning, the same end, or the same place in the table of hashes are told apart."""
    for frequent in (["prefix00a"], ["prefix00"], ["b", "aprefix00"]):
        texts = [f"prefix00{number}" for number in range(500)] + [f"{number}prefix00" for number in range(500)]
        codes = Utf8Codes(frequent).of(utf8([*texts, *frequent]))
        assert codes.tolist() == [-1] * 1000 + list(range(len(frequent)))


@pytest.mark.parametrize("form", [list, utf8])
def test_few_are_unknown(form: Any) -> None:
    """A column of frequent texts and some others is categorical; one of many others is not."""
    validator = Validator(SIGNATURES[0], {"t": ["a", "b"]})
    texts = ["a", "b", "b", "c"] + ["a"] * 96
    columns = validator.columns({"t": form(texts), "n": [1] * 100})
    assert isinstance(columns, CategoricalColumns)
    column = columns.categorical("t")
    assert column is not None
    assert column.categories == ["a", "b", "c"]
    assert column.codes.tolist() == [0, 1, 1, 2] + [0] * 96
    assert columns["t"].tolist() == texts
    many = ["a", "b", "b", "c", *map(str, range(96))]
    columns = validator.columns({"t": form(many), "n": [1] * 100})
    assert not isinstance(columns, CategoricalColumns)
    assert columns["t"].tolist() == many
