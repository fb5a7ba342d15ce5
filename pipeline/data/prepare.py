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

from artifact.errors import DataContractError, ModelpinError
from artifact.quantity import quantity
from artifact.signature import label_text
from pipeline.data import contract, drift, leakage, table, totals
from pipeline.data.data_report import DataReport
from pipeline.data.rows import Rows
from pipeline.data.survey import Survey
from pipeline.data.table import Table
from pipeline.params.params import Params, load
from pipeline.params.prepare import Split
from pipeline.shared import json_file, paths, split
from pipeline.shared.labels import Labels
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
    rows, survey = Rows(params), Survey(params)
    try:
        for chunk in rows.chunks():
            survey.add(chunk)
        survey.finish(rows.chunks())
    finally:
        report.violations = survey.violations
    report.rows = survey.rows
    if survey.dated and survey.moments is not None:
        report.newest = totals.moment(int(survey.moments.max()))
    report.not_used = dict(rows.left_out)
    twins = split.units(survey.hashes)
    report.repeated = survey.rows - int(np.count_nonzero(np.bincount(twins) == 1))
    report.twins_apart = split.twins_apart(twins, params.prepare.split)
    report.leaks = leakage.find(survey)
    leakage.refuse(report.leaks)
    parts, units = hold_out(survey, twins)
    leakage.check_parts(survey, twins, parts)
    report.parts = {"train": len(parts.train), "test": len(parts.test), "left_out": len(parts.left_out)}
    report.division = _division(params.prepare.split, parts, report.twins_apart)
    summary = {
        "data_digest": table.data_digest(raw),
        "rows": report.parts,
        "twins": "apart" if report.twins_apart else "together",
        "target": _target(survey, parts),
        "unused": [name for name in survey.names if params.column(name) is None and name != params.data.time],
    }
    named = drift.champion()
    champion = None if named is None else drift.Drift(params, named)
    del twins
    by_time = survey.moments if params.prepare.split.method == "time" else None
    ordered = None if by_time is None else by_time[parts.train]
    with Writer(paths.TRAIN, params, ordered, units[parts.train]) as train, Writer(paths.TEST, params) as test:
        _write(params, rows, parts, train, test, champion)
        if champion is not None:
            report.champion, report.changes = named, champion.changes()
            drift.refuse(report.changes, params.prepare.drift)
        train.commit()
        test.commit()
    json_file.write(paths.PREPARED, summary)
    print(f"{raw}: {survey.rows:,} rows fit the schema; {report.division}")
    for reason, count in report.not_used.items():
        print(f"left out before that: {quantity(count, 'row')} {reason}")
    for change in report.changes:
        if change.state == "warn":
            print(f"changed since the champion: {change.column!r}: {drift.in_words(change)}")


def hold_out(survey: Survey, twins: np.ndarray) -> tuple[split.Parts, np.ndarray]:
    """Split the rows as params.yaml says. Also returns the unit of each row, [rows]: folds keep the rows of a unit
    together.

    `twins` ([rows]) are the units of equal rows. DataContractError (40) where the data does not allow it.
    """
    params = survey.params
    rule, classification = params.prepare.split, params.model.task in ("classification", "outliers")
    twins_apart = split.twins_apart(twins, rule)
    units = np.arange(survey.rows) if twins_apart else twins
    match rule.method:
        case "stratified":
            parts = split.stratified(units, survey.labels, rule)
        case "random":
            parts = split.random(units, rule)
        case "time":
            assert survey.moments is not None  # params.yaml names data.time for this split
            parts = split.by_time(units, survey.moments, rule)
        case "group":
            units = split.units(survey.keys)
            parts = split.by_groups(units, survey.labels if classification else None, rule)
        case "hash":
            parts = split.by_hash(survey.keys, rule)
        case _:
            parts = _by_file(survey)
    if not twins_apart:
        parts = split.without_twins(parts, twins)
    if classification:
        split.check_classes(survey.labels, parts, params.target.categories)
    return parts, units


def _by_file(survey: Survey) -> split.Parts:
    holdout, path = survey.in_holdout_file, survey.params.prepare.split.path
    if holdout.all() or not holdout.any():
        every = "every row" if holdout.any() else "no row"
        raise DataContractError(
            f"{every} of {survey.params.data.path} stands in prepare.split.path {path!r}; name the file, or the "
            "folder, within data.path that is the holdout, and leave the others to train on"
        )
    return split.Parts(np.flatnonzero(~holdout), np.flatnonzero(holdout), np.empty(0, dtype=np.int64))


def _division(rule: Split, parts: split.Parts, twins_apart: bool) -> str:
    """How many rows each part has, and its share beside the one that was asked for."""
    counts = {"train": parts.train, "test": parts.test, "left out": parts.left_out}
    sizes = ", ".join(f"{len(rows)} {part}" for part, rows in counts.items() if len(rows))
    goal = "" if rule.method == "file" else f" of {rule.test_size:.1%} asked for"
    equal = "; equal rows are split one by one" if twins_apart else ""
    return f"{sizes} ({rule.method}; held out {parts.share:.1%}{goal}{equal})"


def _write(
    params: Params, rows: Rows, parts: split.Parts, train: Writer, test: Writer, champion: drift.Drift | None
) -> None:
    schema = (*params.features, *params.targets, *params.weights)
    for first, chunk in _numbered(rows.chunks()):
        columns, _ = contract.convert(chunk, schema, params.cells)
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
    """Which of the ascending `rows` are in the chunk that begins with row `first`, counted from there."""
    low, high = np.searchsorted(rows, [first, first + chunk.columns.num_rows])
    return rows[low:high] - first


def _target(survey: Survey, parts: split.Parts) -> dict[str, Any]:
    rows = {"train": parts.train, "test": parts.test}
    targets = survey.params.targets
    if survey.params.model.task == "multioutput":
        return {
            "several": {
                target: {name: _counts(labels, part) for name, part in rows.items()}
                for target, labels in survey.several.items()
            }
        }
    if len(targets) > 1:
        means = {name: survey.target[part].mean(axis=0) for name, part in rows.items()}
        return {
            "means": {
                target.name: {name: float(mean[place]) for name, mean in means.items()}
                for place, target in enumerate(targets)
            }
        }
    if survey.params.model.task == "regression":
        return {
            key: {name: float(of(survey.target[part])) for name, part in rows.items()}
            for key, of in (("mean", np.mean), ("median", np.median))
        }
    return {name: _counts(survey.labels, part) for name, part in rows.items()}


def _counts(labels: Labels, part: np.ndarray) -> dict[str, int]:
    return dict(sorted((label_text(label), count) for label, count in labels.counts(part).items()))
