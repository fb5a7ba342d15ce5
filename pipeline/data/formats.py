"""Cells in the format that the schema declares, as plain numbers, ISO 8601 text and booleans; None where a cell is not
in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.params.cells import Format

BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_NO_BREAK = "[\u00a0\u202f]"  # spaces that keep a number on one line


def numbers(cells: pa.ChunkedArray, format: Format) -> pa.ChunkedArray:
    """Numbers with a decimal point and nothing else beside their digits, from trimmed `cells`, [rows].

    A number in parentheses is negative, as in accounts. Marks between thousands stand before three digits each, or
    nowhere in a cell, and behind no 0: 0,571 has decimals.
    """
    cells = pc.replace_substring_regex(cells, r"^\((.+)\)$", r"-\1")
    if format.thousands == " ":
        cells = pc.replace_substring_regex(cells, _NO_BREAK, " ")
    if format.unit is not None:
        unit = re.escape(format.unit)
        cells = pc.replace_substring_regex(cells, rf"^([+-]?)\s*{unit}\s*", r"\1")
        cells = pc.replace_substring_regex(cells, f"[ \u00a0\u202f]*{unit}$", "")
    decimal = re.escape(format.decimal)
    whole = r"\d+"
    if format.thousands is not None:
        whole = rf"([1-9]\d{{0,2}}({re.escape(format.thousands)}\d{{3}})+|\d+)"
    fits = pc.match_substring_regex(cells, rf"^[+-]?({whole}({decimal}\d*)?|{decimal}\d+)([eE][+-]?\d+)?$")
    cells = pc.if_else(fits, cells, pa.scalar(None, pa.string()))
    if format.thousands is not None:
        cells = pc.replace_substring(cells, format.thousands, "")
    return pc.replace_substring(cells, format.decimal, ".")


def dates(texts: np.ndarray, formats: Sequence[str]) -> np.ndarray:
    """ISO 8601 text of dates and times in the first of the strptime `formats` that reads them, objects [rows]; a date
    without a time has none.

    None for what is missing and for what is no such date.
    """
    distinct, places = np.unique(
        np.array(["" if text is None else text.strip() for text in texts]), return_inverse=True
    )
    iso = np.full(len(distinct), None, dtype=object)
    for format in formats:
        others = [place for place, day in enumerate(iso.tolist()) if day is None]
        iso[others] = _dates(distinct[others], format)
    return iso[places]


def _dates(texts: np.ndarray, format: str) -> np.ndarray:
    import pandas as pd  # here: batch scoring, which imports this, starts sooner without it

    parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=format, errors="coerce", utc="%z" in format)
    timed = re.search(r"%[HIMSfpcXT]", format) is not None
    iso = [None if pd.isna(moment) else moment.isoformat() if timed else moment.date().isoformat() for moment in parsed]
    return np.array([*iso, None], dtype=object)[:-1]


def booleans(cells: pa.ChunkedArray, words: Mapping[str, bool]) -> np.ndarray:
    """What the trimmed `cells` are among `words`, in any case, objects [rows]: None where they are none of these."""
    lower = pc.utf8_lower(cells)
    values = np.full(len(cells), None, dtype=object)
    for answer in (True, False):
        alike = pa.array([word.lower() for word in words if words[word] == answer], pa.string())
        values[pc.is_in(lower, value_set=alike).to_numpy()] = answer
    return values
