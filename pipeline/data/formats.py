"""Cells in the format that the schema declares, as plain numbers and ISO 8601 text; None where a cell is not in it."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.params.cells import Format

_NO_BREAK = "[\u00a0\u202f]"  # spaces that keep a number on one line


def numbers(cells: pa.ChunkedArray, format: Format) -> pa.ChunkedArray:
    """Numbers with a decimal point and nothing else beside their digits, from trimmed `cells`, [rows].

    Marks between thousands stand before three digits each, or nowhere in a cell.
    """
    if format.thousands == " ":
        cells = pc.replace_substring_regex(cells, _NO_BREAK, " ")
    if format.unit is not None:
        unit = re.escape(format.unit)
        cells = pc.replace_substring_regex(cells, rf"^([+-]?)\s*{unit}\s*", r"\1")
        cells = pc.replace_substring_regex(cells, f"[ \u00a0\u202f]*{unit}$", "")
    decimal = re.escape(format.decimal)
    whole = r"\d+"
    if format.thousands is not None:
        whole = rf"(\d{{1,3}}({re.escape(format.thousands)}\d{{3}})+|\d+)"
    fits = pc.match_substring_regex(cells, rf"^[+-]?({whole}({decimal}\d*)?|{decimal}\d+)([eE][+-]?\d+)?$")
    cells = pc.if_else(fits, cells, pa.scalar(None, pa.string()))
    if format.thousands is not None:
        cells = pc.replace_substring(cells, format.thousands, "")
    return pc.replace_substring(cells, format.decimal, ".")


def dates(texts: np.ndarray, format: str) -> np.ndarray:
    """ISO 8601 text of dates and times in the strptime `format`, objects [rows]; a date without a time has none.

    None for what is missing and for what is no such date.
    """
    import pandas as pd  # here: batch scoring, which imports this, starts sooner without it

    distinct, places = np.unique(
        np.array(["" if text is None else text.strip() for text in texts]), return_inverse=True
    )
    parsed = pd.to_datetime(pd.Series(distinct, dtype=object), format=format, errors="coerce", utc="%z" in format)
    timed = re.search(r"%[HIMSfpcXT]", format) is not None
    iso = [None if pd.isna(moment) else moment.isoformat() if timed else moment.date().isoformat() for moment in parsed]
    return np.array([*iso, None], dtype=object)[places]
