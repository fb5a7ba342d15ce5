"""Tables taken a column at a time: the same columns, to the bit, as cell by cell, or another look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Signature
from artifact.validation.validator import Validator
from pipeline.data import conversion
from pipeline.params.cells import Cells, Format
from scoring import plain as plain_columns
from scoring.plain import PlainTables, as_raw

FEATURES = {
    "number": Feature("number", "float64", False, (-1e6, 1e6), None),
    "free": Feature("free", "float64", True, None, None),
    "count": Feature("count", "int64", False, (0, 2**60), None),
    "gaps": Feature("gaps", "int64", True, None, None),
    "flag": Feature("flag", "bool", True, None, None),
    "grade": Feature("grade", "string", False, None, ("a", "b")),
    "words": Feature("words", "string", True, None, None),
    "day": Feature("day", "date", True, None, None),
}
PLAIN = {
    "number": "1.5", "free": "-2e-3", "count": "12", "gaps": "7", "flag": "true", "grade": "a", "words": "Ålesund",
    "day": "2026-03-01",
}  # fmt: skip
CELLS = [
    None, "", " ", "0", "-0", "-0.0", "+1", " 1.5", "1.5 ", "1.", ".5", "-.5", ".", "1e5", "1E+5", "1e-400", "1e400",
    "1e", "nan", "NaN", "-nan", "inf", "-inf", "infinity", "0x1F", "0x1p3", "1_0", "1,5", "١", "1d5",
    "16.0", "16.5", "00012", "-5", "--5", "9007199254740991", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "true", "False",
    "perhaps", "a", "b", "c", "NA", "-999", "2026-02-30", "2026-03-01", "\x00", "1\x00", "e", "1e5e5", "5/2",
]  # fmt: skip
TYPED: dict[str, list[pa.Array]] = {
    "number": [
        pa.array([1.5, None]), pa.array([1.5, float("nan")]), pa.array([1.5, float("inf")]), pa.array([1.5, 2e6]),
        pa.array([1, 2]), pa.array([1, 2**53 + 1]), pa.array([1.5, 2.5], pa.float32()), pa.array([True, False]),
        pa.array(["1.5", "2"]), pa.array([1, None]), pa.array([1, 2], pa.uint8()), pa.array([-0.0, 0.0]),
    ],
    "free": [pa.array([None, float("nan")], pa.float64()), pa.array([1e39, 1.0]), pa.array([None, 1]), pa.nulls(2)],
    "count": [
        pa.array([1, -1]), pa.array([1, 2**61]), pa.array([1.0, 2.0]), pa.array([1.5, 2.0]), pa.array([1, None]),
        pa.array([1, 2**63], pa.uint64()), pa.array([1, 2], pa.int8()), pa.array([True, False]),
    ],
    "gaps": [pa.array([1, None]), pa.array([1, 2**53 + 1]), pa.array([1.0, None]), pa.array([3, 4], pa.uint16())],
    "flag": [pa.array([True, None]), pa.array([0, 1]), pa.array([0, 2]), pa.array([1.0, None]), pa.array(["true", ""])],
    "grade": [
        pa.array(["a", "c"]), pa.array(["a", None]), pa.array(["a", "b"], pa.large_string()),
        pa.array(["a", "b"]).dictionary_encode(), pa.array([1, 2]), pa.array([18000, 18001], pa.date32()),
    ],
    "words": [pa.array(["", None]), pa.array(["\x00", "é"]), pa.array([18000, None], pa.date32())],
    "day": [pa.array([18000, None], pa.date32()), pa.array(["2026-01-01", "soon"]), pa.array([1, 2])],
}  # fmt: skip
STORED = {
    "number": pa.array([1.5, 2.0]), "free": pa.array([1.0, 2.0]), "count": pa.array([1, 2]), "gaps": pa.array([1, 2]),
    "flag": pa.array([True, False]), "grade": pa.array(["a", "b"]), "words": pa.array(["x", "y"]),
    "day": pa.array([18000, 18001], pa.date32()),
}  # fmt: skip
CSV = Cells()


def signature(table: pa.Table) -> Signature:
    """Of the columns of `table`."""
    return Signature("regression", tuple(FEATURES[name] for name in table.column_names), ())


def closely(table: pa.Table, cells: Cells, text: bool) -> dict[str, np.ndarray] | None:
    """The columns as conversion and validation make them cell by cell; None where either refuses one."""
    raw: dict[str, Any] = {}
    for name in table.column_names:
        convert = conversion.text if text else conversion.typed
        values, violations = convert(FEATURES[name], table.column(name), cells)
        if violations:
            return None
        raw[name] = as_raw(values)
    try:
        return Validator(signature(table)).columns(raw)
    except InvalidRequest:
        return None


def compare(table: pa.Table, cells: Cells, text: bool) -> bool:
    """Whether `table` is taken, with the columns that a closer look gives; one that is not taken may be anything."""
    plain = PlainTables(signature(table), cells, text).read(table)
    accepted = plain and plain.lot(0, table.num_rows)
    if not accepted:
        return False
    expected = closely(table, cells, text)
    assert expected is not None
    assert list(accepted) == list(expected)
    for name, values in expected.items():
        assert accepted[name].dtype == values.dtype, name
        if values.dtype == object:
            assert repr(accepted[name].tolist()) == repr(values.tolist()), name
        else:
            assert accepted[name].tobytes() == values.tobytes(), name
    return True


def text(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


@pytest.mark.parametrize("few", [256, 0])
def test_a_plain_table_is_taken(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of text and of types, in one piece or several, with few texts or many."""
    monkeypatch.setattr(plain_columns, "_FEW", few)
    content = pa.table({name: text([cell] * 2) for name, cell in PLAIN.items()})
    stored = pa.table(STORED)
    assert compare(content, CSV, text=True)
    assert compare(content.slice(1), CSV, text=True)
    assert compare(stored, CSV, text=False)
    assert compare(pa.concat_tables([stored, stored.slice(1)]), CSV, text=False)


@pytest.mark.parametrize("name", FEATURES)
def test_each_cell_of_text_is_what_it_is_cell_by_cell(name: str) -> None:
    """Numbers that only Arrow reads, texts for no value, texts that are numbers: none is taken for another."""
    forms = [CSV, Cells(missing=("NA",)), Cells(missing=("NA", "-999"))]
    if FEATURES[name].dtype in ("float64", "int64"):
        forms.append(Cells(formats={name: Format(decimal=",")}))
    for cells in forms:
        durations = [compare(pa.table({name: text([cell, PLAIN[name]])}), cells, text=True) for cell in CELLS]
        assert not all(durations) or name == "words"


@pytest.mark.parametrize("name", TYPED)
def test_each_type_is_what_it_is_cell_by_cell(name: str) -> None:
    """Wider and narrower numbers, missing values, infinities, other types."""
    for column in TYPED[name]:
        compare(pa.table({name: column}), CSV, text=False)
