"""What a table is made of: the schema that its values suggest, and the columns that no model should take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from artifact.errors import ConfigurationError
from artifact.signature import Feature
from features import calendar
from pipeline.data import conversion
from pipeline.data.contract import MARKERS
from pipeline.data.id_columns import NAME, WORDS
from pipeline.params.cells import Cells, Format
from pipeline.params.messages import near
from starter import cell_formats, yaml_lines
from starter.cell_formats import Guess, Words

_ONE_IN = 0.5  # of the rows: texts that differ more often than this name the row, they do not describe it
_FEW = 50
_READ, _TERMS = 1000, 50  # texts whose words are counted, and the fewest different ones that a model is made of
_TERM = re.compile(r"\b\w\w+\b")  # a word, as TfidfVectorizer takes it
_CODE = r"^0[0-9]+$"  # a number would lose the 0


class Raw(Protocol):
    """A table whose columns are read one by one; `text`: its cells are text, as in a CSV."""

    @property
    def names(self) -> list[str]: ...

    @property
    def text(self) -> bool: ...

    def column(self, name: str) -> pa.ChunkedArray: ...


@dataclass(frozen=True)
class Column:
    """A feature: its entry of the schema; its kind (numeric, flag, category, text, moment); its texts for a missing
    value; the format of its cells, and what a person should know of it, where there is something. `timed`: of moments,
    whether any is more than a day."""

    feature: Feature
    kind: str
    values: np.ndarray
    markers: tuple[str, ...] = ()
    format: Format | None = None
    note: str | None = None
    timed: bool = False

    def without_values(self) -> Column:
        """The same for a table that is larger than memory: of the values only what recipes ask for."""
        timed = self.kind == "moment" and any(len(value) > len("2024-01-31") for value in self.values if value)
        return replace(self, values=self.values[:0], timed=timed)


@dataclass(frozen=True)
class Left:
    """A column that stays out, and why."""

    name: str
    reason: str


def column(table: Raw, name: str) -> Column | Left:
    """The column `name` as a feature, or why it is none."""
    guessed = guess(table, name)
    if isinstance(guessed, Left):
        return guessed
    present = guessed.values[~conversion.absent(guessed.values)]
    if len(present) == 0:
        return Left(name, "it is empty")
    if len(present) == len(guessed.values) and bool((present == present[0]).all()):
        return Left(
            name, f"every row holds {present[0]!r}" if isinstance(present[0], str) else f"every row holds {present[0]}"
        )
    if guessed.kind == "category":
        return _category(guessed, present, len(pd.unique(present)))
    if guessed.feature.dtype == "int64" and len(guessed.values) > 2 and _numbers_rows(name, present):
        return Left(name, "it numbers the rows")
    return guessed


def require(table: Raw, name: str, option: str) -> None:
    """ConfigurationError (10) unless `name` is a column, with the nearest that is."""
    if name not in table.names:
        raise ConfigurationError(f"{option} {name!r} is no column of the data{near(name, table.names)}")


def guess(table: Raw, name: str) -> Column | Left:
    """The column `name` by its values, whether or not a model should take it."""
    raw = table.column(name)
    return text(name, raw) if table.text else typed(name, raw)


def text(name: str, raw: pa.ChunkedArray) -> Column | Left:
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
        return replace(_texts(name, conversion.text(Feature(name, "string"), raw, Cells())[0]), note=note)
    plain = _plain(name, raw, words, missing, markers)
    if plain is not None:
        return plain
    column = _texts(name, conversion.text(Feature(name, "string"), raw, Cells())[0])
    if column.kind == "moment" or not len(words):
        return column
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
            return Column(feature, kind, values, markers)
    return None


def _formatted(column: Column, raw: pa.ChunkedArray, words: Words, missing: bool, markers: tuple[str, ...]) -> Column:
    """The column read in the format that all of its cells have; where only most have one, as text, with a note."""
    numbers = cell_formats.numbers(words)
    guesses = [numbers] if numbers is not None else cell_formats.dates(words)
    whole = [guess for guess in guesses if not guess.others]
    if len(whole) == 1:
        read = _read(column, raw, whole[0], missing, markers)
        return replace(read, note=f"{whole[0].sentence}, such as {words.texts[0]!r}; written: {line(read)}")
    if guesses:
        example = line(_declared_as(column, guesses[0], missing))
        if whole:
            others = " or ".join(repr(guess.format.date) for guess in whole)
            return replace(column, note=f"its cells are dates written {others}; say which one: {example}")
        wrong = f"and one holds {guesses[0].other!r}: correct it, or list it under data.missing, and write"
        return replace(column, note=f"{guesses[0].sentence}, {wrong} {example}")
    return _stripped(column, raw)


def _read(column: Column, raw: pa.ChunkedArray, guess: Guess, missing: bool, markers: tuple[str, ...]) -> Column:
    as_declared = _declared_as(column, guess, missing)
    cells = Cells(markers, {column.feature.name: guess.format})
    values, _ = conversion.text(as_declared.feature, raw, cells)
    return replace(as_declared, values=values, markers=markers if guess.kind == "numbers" else ())


def _declared_as(column: Column, guess: Guess, missing: bool) -> Column:
    if guess.kind == "dates":
        return replace(column, kind="moment", format=guess.format)
    feature = replace(column.feature, dtype="float64", nullable=missing)
    return replace(column, feature=feature, kind="numeric", format=guess.format)


def _stripped(column: Column, raw: pa.ChunkedArray) -> Column:
    """Without the spaces around its texts, where two differ by nothing else."""
    texts = set(column.values[~conversion.absent(column.values)].tolist())
    pair = cell_formats.differ_by_spaces(texts)
    if pair is None:
        return column
    format = Format(strip=True)
    values, _ = conversion.text(column.feature, raw, Cells((), {column.feature.name: format}))
    read = replace(column, values=values, format=format)
    return replace(
        read, note=f"{pair[0]!r} and {pair[1]!r} differ by spaces only and are read as one; written: {line(read)}"
    )


def line(column: Column) -> str:
    """The entry of the schema, as params.yaml spells it on one line."""
    return f"{yaml_lines.scalar(column.feature.name)}: {yaml_lines.flow(declared([column])[0])}"


def typed(name: str, raw: pa.ChunkedArray) -> Column | Left:
    """A column of a Parquet file, by its type."""
    kind = raw.type.value_type if pa.types.is_dictionary(raw.type) else raw.type
    absent = raw.null_count > 0
    if pa.types.is_null(kind):
        return Left(name, "it is empty")
    if pa.types.is_floating(kind):
        absent = absent or bool(pc.any(pc.is_nan(raw)).as_py())
    if pa.types.is_boolean(kind):
        feature, group = Feature(name, "bool", absent), "flag"
    elif pa.types.is_integer(kind) and not absent:
        feature, group = Feature(name, "int64"), "numeric"
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        feature, group = Feature(name, "float64", absent), "numeric"
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind):
        if not pa.types.is_temporal(kind):
            return _numbers_in_text(text(name, raw.cast(pa.string())))
        values, _ = conversion.typed(Feature(name, "string"), raw, Cells())
        return _texts(name, values)
    else:
        return Left(name, f"a model takes no {kind}; write it as numbers or text")
    values, violations = conversion.typed(feature, raw, Cells())
    if violations:
        return Left(name, f"{violations[0]}; correct the values to use it")
    return Column(feature, group, values)


def _numbers_in_text(column: Column | Left) -> Column | Left:
    """A typed file holds numbers as text only where somebody wrote them so: the schema then says that they are."""
    if isinstance(column, Left) or column.feature.dtype == "string" or column.format is not None:
        return column
    read = replace(column, format=Format())
    return replace(read, note=f"all cells are numbers or booleans in text; written: {line(read)}")


def _texts(name: str, values: np.ndarray) -> Column:
    absent = conversion.absent(values)
    feature = Feature(name, "string", bool(absent.any()))
    texts = pd.unique(values[~absent])
    moments = calendar.parse(texts)
    dates = len(moments) > 0 and not np.asarray(moments.isna()).any() and all(len(str(text)) >= 8 for text in texts)
    return Column(feature, "moment" if dates else "category", values)


def _category(column: Column, present: np.ndarray, distinct: int) -> Column | Left:
    name = column.feature.name
    words = np.mean([len(str(value).split()) for value in present[:1000].tolist()])
    if distinct > _FEW and words >= WORDS:
        terms = {term for value in present[:_READ].tolist() for term in _TERM.findall(str(value).lower())}
        if len(terms) < _TERMS:
            return Left(
                name, f"it is free text of {len(terms)} different words; write a transformer in features/ to use it"
            )
        return replace(column, kind="text", note=f"free text, taken by its words, of which {len(terms)} differ")
    if distinct > len(column.values) * _ONE_IN and (distinct > _FEW or distinct == len(column.values)):
        return Left(name, f"it has {distinct} different texts in {len(column.values)} rows, like an id")
    return column


def _numbers_rows(name: str, values: np.ndarray) -> bool:
    """Whether the whole numbers count up, or are all different in a column that is named as an id."""
    return bool(np.all(np.diff(values) == 1)) or bool(NAME.search(name) and len(pd.unique(values)) == len(values))


def declared(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The entries of the schema, as params.yaml spells them."""
    entries = []
    for column in columns:
        entry = {key: value for key, value in column.feature.to_dict().items() if key != "name"}
        if not entry["nullable"]:
            del entry["nullable"]
        if column.format is not None:
            entry["format"] = column.format.to_dict()
        entries.append(entry)
    return entries
