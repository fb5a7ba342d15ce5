"""Stage prepare: the raw table, checked against its schema and split, as two Parquet files."""

from __future__ import annotations

if __name__ == "__main__":
    from pipeline import determinism

    determinism.fix()

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifact.column import convert
from artifact.command import run
from artifact.signature import Feature, label_text
from pipeline import contract, paths, prepared, split, table
from pipeline.conversion import Violation
from pipeline.params import Params, load


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/prepared/."""
    argparse.ArgumentParser(prog="python -m pipeline.prepare", description=__doc__).parse_args(argv)
    params = load()
    raw = Path(params.data.path)
    read = table.read(raw)
    columns = contract.check(read, (*params.features, params.target), params.data.missing).columns
    parts = hold_out(params, columns, read)
    ordered = moments(params, columns, read) if params.split.method == "time" else None
    prepared.write(paths.TRAIN, params, columns, parts.train, ordered)
    prepared.write(paths.TEST, params, columns, parts.test)
    counts = {"train": len(parts.train), "test": len(parts.test), "left_out": len(parts.left_out)}
    summary = {
        "data_digest": table.data_digest(raw),
        "rows": counts,
        "target": _target(params, columns[params.target.name], parts),
        "unused": [
            name for name in read.columns.column_names if params.column(name) is None and name != params.data.time
        ],
    }
    paths.PREPARED.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    counted = ", ".join(f"{count} {part.replace('_', ' ')}" for part, count in counts.items() if count)
    print(f"{raw}: {read.columns.num_rows} rows fit the schema; {counted} ({params.split.method})")


def hold_out(params: Params, columns: Mapping[str, np.ndarray], read: table.Table) -> split.Parts:
    """Split the rows as params.yaml says; DataContractError (40) where the data does not allow it."""
    groups = split.twins(prepared.frame(params, columns))
    target = columns[params.target.name]
    match params.split.method:
        case "stratified":
            parts = split.stratified(groups, target, params.split)
        case "random":
            parts = split.random(groups, params.split)
        case _:
            parts = split.by_time(groups, moments(params, columns, read), params.split)
    if params.model.task == "classification":
        split.check_classes(target, parts, params.target.categories)
    return parts


def moments(params: Params, columns: Mapping[str, np.ndarray], read: table.Table) -> np.ndarray:
    """What orders the rows, [rows]: numbers as they are, text as ISO 8601 in nanoseconds UTC."""
    name = params.data.time or ""
    feature = params.column(name)
    if feature is None:
        feature = Feature(name, "string")
        columns = contract.check(read, [feature], ()).columns
    values = columns[name]
    if feature.dtype in ("float64", "int64"):
        return convert(feature, values)
    from features import calendar  # here, because it loads scikit-learn, which no other split needs

    parsed = calendar.parse(values)
    unread = Violation.of(name, "data.time: ISO 8601, such as 2024-01-31T09:30:00Z", np.asarray(parsed.isna()), values)
    if unread is not None:
        raise contract.refused([unread])
    return parsed.tz_convert(None).to_numpy("datetime64[ns]").astype(np.int64)


def _target(params: Params, values: np.ndarray, parts: split.Parts) -> dict[str, Any]:
    if params.model.task == "regression":
        return {"mean": {name: float(np.mean(convert(params.target, values)[rows])) for name, rows in _rows(parts)}}
    return {name: dict(sorted(Counter(map(label_text, values[rows].tolist())).items())) for name, rows in _rows(parts)}


def _rows(parts: split.Parts) -> list[tuple[str, np.ndarray]]:
    return [("train", parts.train), ("test", parts.test)]


if __name__ == "__main__":
    run(main)
