"""Stage prepare: the raw table, checked against its schema and split, as two Parquet files.

The table is read twice, a chunk at a time: once to check it and to decide which rows are held out, once to write them.
In between, memory holds some bytes a row, whatever the number of columns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifact.errors import ModelpinError
from artifact.signature import label_text
from pipeline.data import contract, drift, leakage, reader, table, totals
from pipeline.data.data_report import DataReport
from pipeline.data.survey import Survey
from pipeline.data.table import Table
from pipeline.params.params import Params, load
from pipeline.shared import json_file, paths, split
from pipeline.shared.tables import Writer


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/prepared/ and, however it ends, reports/data.json and reports/data.md."""
    argparse.ArgumentParser(prog="python -m pipeline prepare", description=__doc__).parse_args(argv)
    params = load()
    report = DataReport(params.data.path)
    try:
        _prepare(params, report)
    except ModelpinError as error:
        report.problem = str(error)
        report.write()
        raise
    report.write()


def _prepare(params: Params, report: DataReport) -> None:
    raw = Path(params.data.path)
    survey = Survey(params)
    try:
        for chunk in reader.chunks(raw):
            survey.add(chunk)
        survey.finish(reader.chunks(raw))
    finally:
        report.violations = survey.violations
    report.rows = survey.rows
    if survey.dated and survey.moments is not None:
        report.newest = totals.moment(int(survey.moments.max()))
    groups = split.twins(survey.hashes)
    report.repeated = survey.rows - int(np.count_nonzero(np.bincount(groups) == 1))
    report.leaks = leakage.find(survey)
    leakage.refuse(report.leaks)
    parts = hold_out(survey, groups)
    leakage.check_parts(survey, groups, parts)
    report.parts = {"train": len(parts.train), "test": len(parts.test), "left_out": len(parts.left_out)}
    summary = {
        "data_digest": table.data_digest(raw),
        "rows": report.parts,
        "target": _target(survey, parts),
        "unused": [name for name in survey.names if params.column(name) is None and name != params.data.time],
    }
    named = drift.champion()
    champion = None if named is None else drift.Drift(params, named)
    del groups
    by_time = survey.moments if params.prepare.split.method == "time" else None
    ordered = None if by_time is None else by_time[parts.train]
    with Writer(paths.TRAIN, params, ordered) as train, Writer(paths.TEST, params) as test:
        _write(params, raw, parts, train, test, champion)
        if champion is not None:
            report.champion, report.changes = named, champion.changes()
            drift.refuse(report.changes, params.prepare.drift)
        train.commit()
        test.commit()
    json_file.write(paths.PREPARED, summary)
    counted = ", ".join(f"{count} {part.replace('_', ' ')}" for part, count in report.parts.items() if count)
    print(f"{raw}: {survey.rows} rows fit the schema; {counted} ({params.prepare.split.method})")
    for change in report.changes:
        if change.state == "warn":
            print(f"changed since the champion: {change.column!r}: {drift.in_words(change)}")


def hold_out(survey: Survey, groups: np.ndarray) -> split.Parts:
    """Split the rows as params.yaml says; DataContractError (40) where the data does not allow it.

    `groups` ([rows]) are those of `split.twins`.
    """
    params = survey.params
    match params.prepare.split.method:
        case "stratified":
            parts = split.stratified(groups, survey.labels, params.prepare.split)
        case "random":
            parts = split.random(groups, params.prepare.split)
        case _:
            assert survey.moments is not None  # params.yaml names data.time for this split
            parts = split.by_time(groups, survey.moments, params.prepare.split)
    if params.model.task == "classification":
        split.check_classes(survey.labels, parts, params.target.categories)
    return parts


def _write(
    params: Params, raw: Path, parts: split.Parts, train: Writer, test: Writer, champion: drift.Drift | None
) -> None:
    schema = (*params.features, params.target)
    for first, chunk in _numbered(reader.chunks(raw)):
        columns, _ = contract.convert(chunk, schema, params.data.missing)
        trained = _within(parts.train, first, chunk)
        train.add(columns, trained)
        test.add(columns, _within(parts.test, first, chunk))
        if champion is not None:
            champion.add(columns, trained)


def _numbered(chunks: Iterator[Table]) -> Iterator[tuple[int, Table]]:
    first = 0
    for chunk in chunks:
        yield first, chunk
        first += chunk.columns.num_rows


def _within(rows: np.ndarray, first: int, chunk: Table) -> np.ndarray:
    """Of the ascending `rows`, those in the chunk that begins with row `first`, counted from there."""
    low, high = np.searchsorted(rows, [first, first + chunk.columns.num_rows])
    return rows[low:high] - first


def _target(survey: Survey, parts: split.Parts) -> dict[str, Any]:
    rows = {"train": parts.train, "test": parts.test}
    if survey.params.model.task == "regression":
        return {"mean": {name: float(np.mean(survey.target[part])) for name, part in rows.items()}}
    labels = survey.labels
    return {
        name: dict(sorted((label_text(label), count) for label, count in labels.counts(part).items()))
        for name, part in rows.items()
    }
