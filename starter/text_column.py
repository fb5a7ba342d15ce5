"""What the cells of a column of text are: numbers, true and false, dates, or text, in the format that they have in
common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from artifact import moment
from artifact.signature import TIMES, Feature
from features import calendar
from pipeline.data import conversion
from pipeline.data.contract import MARKERS
from pipeline.params.cells import Cells, Format
from starter import cell_formats
from starter.cell_formats import Guess, Words
from starter.column import Column, line

_CODE = r"^0[0-9]+$"  # a number would lose the 0
_FEW = 50  # different texts, up to which they are looked at for two that differ by case


def of_cells(name: str, raw: pa.ChunkedArray) -> Column:
    """A column of text: numbers where every cell is one, true and false, dates, or text; in a format where one fits."""
    occurrences = pc.value_counts(pc.utf8_trim_whitespace(raw.drop_null()))
    distinct, counts = occurrences.field("values"), occurrences.field("counts")
    marked = pc.is_in(pc.utf8_lower(distinct), value_set=pa.array(sorted(MARKERS)))
    markers = tuple(sorted(distinct.filter(marked).to_pylist()))
    worded = pc.and_(pc.invert(marked), pc.not_equal(distinct, ""))
    words = distinct.filter(worded)
    missing = raw.null_count > 0 or bool(markers) or bool(pc.any(pc.equal(distinct, "")).as_py())
    coded = words.filter(pc.match_substring_regex(words, _CODE))
    if len(coded):
        code = coded[0].as_py()
        note = f"taken as text, because {code!r} begins with 0; declare int64 if it is a number"
        return replace(of_texts(name, conversion.text(Feature(name, "string"), raw, Cells())[0]), note=note)
    plain = _plain(name, raw, words, missing, markers)
    if plain is not None:
        return plain
    column = of_texts(name, conversion.text(Feature(name, "string"), raw, Cells())[0])
    if column.kind == "moment" or not len(words):
        return column
    if markers:
        blanked = pc.if_else(pc.is_in(pc.utf8_trim_whitespace(raw), value_set=pa.array(markers)), None, raw)
        dated = declared_moment(of_texts(name, conversion.text(Feature(name, "string"), blanked, Cells())[0]))
        if dated.feature.dtype in TIMES:
            return replace(dated, markers=markers)
    return _formatted(column, raw, Words(words.to_pylist(), counts.filter(worded).to_numpy()), missing, markers)


def _plain(
    name: str, raw: pa.ChunkedArray, words: pa.StringArray, missing: bool, markers: tuple[str, ...]
) -> Column | None:
    """The column where every cell is a plain number, or every cell is true or false."""
    for dtype, kind in (("int64", "numeric"), ("float64", "numeric"), ("bool", "flag")):
        if not len(words) or (dtype == "int64" and (missing or pc.any(pc.match_substring(words, ".")).as_py())):
            continue
        if dtype == "bool" and pc.any(pc.is_in(words, value_set=pa.array(["0", "1"]))).as_py():
            continue
        feature = Feature(name, dtype, missing)
        values, violations = conversion.text(feature, raw, Cells(markers))
        if not violations:
            column = Column(feature, kind, values, markers)
            if dtype != "float64" or not cell_formats.thousands_instead(words.to_pylist()):
                return column
            example = next(word for word in words.to_pylist() if "." in word)
            other = line(replace(column, format=Format(thousands=".", decimal=",")))
            return replace(column, note=f"{example!r} is read with a decimal point; for thousands, write {other}")
    return None


def _formatted(column: Column, raw: pa.ChunkedArray, words: Words, missing: bool, markers: tuple[str, ...]) -> Column:
    """The column read in the format that all of its cells have; where only most have one, as text, with a note."""
    booleans = cell_formats.booleans(words.texts)
    if booleans is not None:
        return _booleans(column, raw, booleans, words.texts, missing, markers)
    numbers = cell_formats.numbers(words)
    guesses = [numbers] if numbers is not None else cell_formats.dates(words)
    whole = [guess for guess in guesses if not guess.others]
    if len(whole) == 1:
        read = declared_moment(_read(column, raw, whole[0], missing, markers))
        note = f"{whole[0].sentence}, such as {words.texts[0]!r}; written: {line(read)}" + (
            f"; {read.note}" if read.note else ""
        )
        if whole[0].instead is not None:
            other = line(replace(read, format=whole[0].instead))
            note += f"; where that mark is the decimal point, write {other}"
        return replace(read, note=note)
    if guesses:
        declared = _declared_as(column, guesses[0], missing)
        example = line(declared if guesses[0].format.to_dict() else replace(declared, format=None))
        if whole:
            others = " or ".join(repr(guess.dates) for guess in whole)
            return replace(column, note=f"its cells are dates written {others}; say which one: {example}")
        wrong = f"and one holds {guesses[0].other!r}: correct it, or list it under data.missing, and write"
        return replace(column, note=f"{guesses[0].sentence}, {wrong} {example}")
    return _stripped(column, raw)


def _booleans(
    column: Column, raw: pa.ChunkedArray, format: Format, words: Sequence[str], missing: bool, markers: tuple[str, ...]
) -> Column:
    """A column whose texts say true and false in several ways."""
    feature = replace(column.feature, dtype="bool", nullable=missing)
    values, _ = conversion.text(feature, raw, Cells(markers, {feature.name: format}))
    read = Column(feature, "flag", values, markers, format if format.booleans else None)
    spelled = ", ".join(repr(word) for word in sorted(words))
    return replace(read, note=f"{spelled} are read as true and false; written: {line(read)}")


def _read(column: Column, raw: pa.ChunkedArray, guess: Guess, missing: bool, markers: tuple[str, ...]) -> Column:
    as_declared = _declared_as(column, guess, missing)
    cells = Cells(markers, {column.feature.name: guess.format})
    values, _ = conversion.text(as_declared.feature, raw, cells)
    return replace(as_declared, values=values, markers=markers)


def _declared_as(column: Column, guess: Guess, missing: bool) -> Column:
    if guess.kind == "dates":
        return replace(column, kind="moment", format=guess.format)
    feature = replace(column.feature, dtype="float64", nullable=missing)
    return replace(column, feature=feature, kind="numeric", format=guess.format)


def _stripped(column: Column, raw: pa.ChunkedArray) -> Column:
    """Without the spaces around its texts, where two differ by nothing else; with a note where case alone differs."""
    texts = set(column.values[~conversion.absent(column.values)].tolist())
    pair = cell_formats.differ_by_spaces(texts)
    if pair is not None:
        format = Format(strip=True)
        values, _ = conversion.text(column.feature, raw, Cells((), {column.feature.name: format}))
        column = replace(column, values=values, format=format)
        note = f"{pair[0]!r} and {pair[1]!r} differ by spaces only and are read as one; written: {line(column)}"
        column, texts = replace(column, note=note), {text.strip() for text in texts}
    pair = cell_formats.differ_by_case(texts) if len(texts) <= _FEW else None
    if pair is None:
        return column
    lower = replace(column, format=Format(strip=column.format is not None, lower=True))
    note = f"{pair[0]!r} and {pair[1]!r} differ by upper and lower case only; to read them as one, write {line(lower)}"
    return replace(column, note=note if column.note is None else f"{column.note}; {note}")


def of_texts(name: str, values: np.ndarray) -> Column:
    absent = conversion.absent(values)
    feature = Feature(name, "string", bool(absent.any()))
    texts = pd.unique(values[~absent])
    moments = calendar.parse(texts)
    dates = len(moments) > 0 and not np.asarray(moments.isna()).any() and all(len(str(text)) >= 8 for text in texts)
    return Column(feature, "moment" if dates else "category", values)


def declared_moment(column: Column) -> Column:
    """A column of ISO 8601 texts as the date or datetime that a request can hold; any other as it is."""
    if column.kind != "moment" or column.feature.dtype != "string":
        return column
    texts = {text for text in column.values.tolist() if text is not None}
    for dtype, zone in (("date", None), ("datetime", None), ("datetime", "UTC")):
        try:
            for text in texts:
                moment.seconds(text, dtype, zone)
        except ValueError:
            continue
        declared = replace(column, feature=replace(column.feature, dtype=dtype, zone=zone))
        if zone is None:
            return declared
        note = f"its times have no offset, and are taken as {zone}; name another zone where they are in one"
        return replace(declared, note=f"{column.note}; {note}" if column.note else note)
    return column
