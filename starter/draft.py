"""The first params.yaml of a table, but for its Pipeline: schema, task, split, and what a person should know."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from artifact.errors import DataContractError, UsageError
from pipeline.data import conversion
from pipeline.data.id_columns import NAME
from pipeline.params.params import NUMBER
from starter import schema_guess, target
from starter.column import Column, Left, declared
from starter.params_yaml import TEST_SIZE, Draft
from starter.recipe import SEED
from starter.source import Source

_OWNER = re.compile(r"(customer|client|user|patient|subject|account|session|device|household)s?$", re.IGNORECASE)
Guess = tuple[Column | Left, tuple[str, ...]]  # a column without its values, or why it is none, and notes
_GROUPS = 20  # different values of a column that may group the rows


@dataclass(frozen=True)
class Drafted:
    """A draft, and the features that Pipelines are made of."""

    draft: Draft
    columns: tuple[Column, ...]

    @property
    def by_time(self) -> bool:
        """Whether the latest rows are held out."""
        return bool(self.draft.split["method"] == "time")


def draft(
    source: Source, options: argparse.Namespace, left_out: Mapping[str, str], guesses: dict[str, Guess]
) -> Drafted:
    """What the columns of `source` suggest; `left_out` are columns that are no features, each with its reason.

    `guesses` are those of columns that were read before, without their values; the others are added.

    UsageError (2) for options that exclude each other, ConfigurationError (10) for a column that is not there,
    DataContractError (40) for a table that cannot be used.
    """
    _check_options(source, options)
    answer = target.column(source, options.target)
    task = options.task or target.task_of(answer)
    answer = target.answer(answer, task)
    time = None if options.time is None else _time(source, options.time)
    columns, notes = _features(source, options, time, left_out, guesses)
    notes += [f"'{answer.feature.name}': {answer.note}"] if answer.note else []
    if not columns:
        raise DataContractError(
            f"no column is left to predict {options.target!r} from: {'; '.join(notes) or 'it is the only one'}"
        )
    everything = [*columns, answer]
    schema = dict(zip([column.feature.name for column in everything], declared(everything), strict=True))
    data: dict[str, Any] = {"path": source.path.as_posix(), "target": options.target, "time": options.time}
    if time is not None and time.feature.name not in schema and time.kind == "numeric":
        data["time_format"] = NUMBER
    elif time is not None and time.feature.name not in schema and time.format is not None and time.format.date:
        data["time_format"] = time.format.to_dict()["date"]
    markers = sorted({marker for column in everything for marker in column.markers})
    data |= {"missing": markers} if markers else {}
    split = _split(source, options, task)
    return Drafted(Draft(options.name, task, data, schema, split, tuple(notes)), tuple(columns))


def _check_options(source: Source, options: argparse.Namespace) -> None:
    schema_guess.require(source, options.target, "--target")
    ways = [name for name in ("time", "group", "test") if getattr(options, name)]
    if len(ways) > 1:
        raise UsageError(f"--{ways[0]} and --{ways[1]} split the rows in two ways; give one of them")
    for option in ("time", "group"):
        for name in np.atleast_1d(getattr(options, option) or []).tolist():
            if name == options.target:
                raise UsageError(f"--{option} and --target are both {name!r}; name two columns")
            schema_guess.require(source, name, f"--{option}")


def _time(source: Source, name: str) -> Column:
    column = schema_guess.guess(source, name)
    if isinstance(column, Left) or column.kind not in ("moment", "numeric"):
        note = f" ({column.note})" if isinstance(column, Column) and column.note else ""
        raise DataContractError(
            f"--time {name!r} holds what is no date{note}; write it as ISO 8601, such as 2024-01-31T09:30:00Z"
        )
    missing = conversion.Violation.of(name, "the time is missing", conversion.absent(column.values), column.values)
    if missing is not None:
        raise DataContractError(f"{missing}; remove those rows, or fill them in")
    return column


def _split(source: Source, options: argparse.Namespace, task: str) -> dict[str, Any]:
    if options.test is not None:
        return {"method": "file", "path": source.files[1][1].name, "seed": SEED}
    shares = {"test_size": TEST_SIZE, "seed": SEED}
    if options.group:
        return {"method": "group", "by": list(options.group), **shares}
    method = "time" if options.time else "stratified" if task == "classification" else "random"
    return {"method": method, **shares}


def _features(
    source: Source,
    options: argparse.Namespace,
    time: Column | None,
    left_out: Mapping[str, str],
    guesses: dict[str, Guess],
) -> tuple[list[Column], list[str]]:
    columns: list[Column] = []
    notes: list[str] = []
    for name in source.names:
        if name == options.target:
            continue
        reason = _why_not(name, options, time, left_out)
        if reason is None and name not in guesses:
            guesses[name] = _guessed(source, name, options)
        column, remarks = (Left(name, reason), ()) if reason is not None else guesses[name]
        if isinstance(column, Left):
            notes.append(f"left out: {name!r}: {column.reason}")
            continue
        columns.append(column)
        notes += remarks
    return columns, notes


def _why_not(name: str, options: argparse.Namespace, time: Column | None, left_out: Mapping[str, str]) -> str | None:
    """Why the column is no feature, whatever its values are; None where they decide."""
    if not name or not name.isprintable():
        return "a column needs a name of printable characters; rename it to use it"
    if name in (options.group or ()):
        return "it groups the rows"
    if time is not None and name == options.time and time.kind == "numeric":
        return "it orders the rows, and each row to come is beyond what training saw"
    return left_out.get(name)


def _guessed(source: Source, name: str, options: argparse.Namespace) -> Guess:
    """The column without its values, which would not all fit memory, with its notes; or why it is no feature."""
    column = schema_guess.column(source, name)
    if isinstance(column, Left):
        # A column of times orders the rows whatever it is worth as a feature.
        return Left(name, f"{column.reason} (it orders the rows)") if name == options.time else column, ()
    notes = [f"{name!r}: {column.note}"] if column.note else []
    if not options.group and _groups(column):
        distinct = len(pd.unique(column.values))
        notes.append(
            f"{name!r} repeats: {distinct} values in {len(column.values)} rows. Where the rows of one belong "
            f"together, begin again with --group {name!r}, so that training and holdout do not share one"
        )
    return column.without_values(), tuple(notes)


def _groups(column: Column) -> bool:
    """Whether the column looks as if its values owned several rows each."""
    name, values = column.feature.name, column.values
    if column.feature.dtype not in ("int64", "string") or not (NAME.search(name) or _OWNER.search(name)):
        return False
    return _GROUPS <= len(pd.unique(values)) < len(values)
