"""Start a model from a table: params.yaml, the data under DVC, its folder in gitops/; then `dvc repro` works."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from artifact import digest, git
from artifact.errors import ConfigurationError, DataContractError, UsageError
from artifact.git import GitFailed
from artifact.signature import TASKS, Feature
from pipeline.data import contract, conversion, prepare, reader, table
from pipeline.data.survey import Survey
from pipeline.params.params import PARAMS, Params, load
from pipeline.shared import split, tables
from pipeline.training import train
from starter import baseline, params_yaml, recipe, schema_guess
from starter.baseline import Baseline
from starter.placement import Placement
from starter.schema_guess import Column, Left

_CLASSES = 50
_NUMBERED = 20  # whole numbers: up to as many different ones are classes


def main(argv: Sequence[str] | None = None) -> None:
    """Decide everything first, then write; nothing is left half written."""
    arguments = _parser().parse_args(argv)
    name, source = digest.model_name(arguments.name), Path(arguments.data)
    _check_repository(arguments.force)
    suffix = "" if source.is_dir() else source.suffix.lower()
    target = Path("data") / f"{name}{suffix}"
    read = reader.read(source)
    draft, notes = _draft(read, arguments, name, target.as_posix())
    text, gate_baseline = _with_gate(draft, notes, read)
    with Placement() as placement:
        placement.data(source, target)
        placement.text(PARAMS, text)
        placement.folder(Path("gitops/models") / name, ["release", "adopt", "--model", name])
    _tell(draft, notes, read.columns.num_rows, gate_baseline)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m starter init", description=__doc__)
    parser.add_argument("--data", required=True, metavar="FILE", help="a .csv or .parquet file, or a folder of them")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument("--name", required=True, help="the model's name: lowercase letters, digits and '-'")
    parser.add_argument(
        "--task", choices=TASKS, help="default: classification for text, booleans and few whole numbers"
    )
    parser.add_argument(
        "--time", metavar="COLUMN", help="split by this column of ISO 8601 text: the latest rows are held out"
    )
    parser.add_argument("--force", action="store_true", help="replace a params.yaml that has uncommitted changes")
    return parser


def _check_repository(force: bool) -> None:
    if not Path("dvc.yaml").is_file() or not Path(".dvc").is_dir():
        raise UsageError("there is no dvc.yaml and .dvc here; run from the root of the repository")
    try:
        git.run("diff", "--quiet", "HEAD", "--", str(PARAMS))
    except GitFailed as failure:
        if failure.code == 1 and not force:
            raise UsageError(
                "params.yaml has uncommitted changes, and init replaces it; commit or discard them, or give --force"
            ) from failure


def _draft(
    read: table.Table, arguments: argparse.Namespace, name: str, path: str
) -> tuple[params_yaml.Draft, list[str]]:
    schema_guess.require(read, arguments.target, "--target")
    if arguments.time is not None:
        if arguments.time == arguments.target:
            raise UsageError(f"--time and --target are both {arguments.target!r}; name two columns")
        _check_time(read, arguments.time)
    target = _target(read, arguments.target)
    task = arguments.task or _task(target)
    feature = _answer(target, task)
    columns, notes = _features(read, arguments.target, arguments.time)
    boosted = recipe.is_boosted(read.columns.num_rows)
    estimator, parameters = recipe.estimator(task, boosted)
    names = [column.feature.name for column in columns] + [feature.name]
    method = "time" if arguments.time else "stratified" if task == "classification" else "random"
    schema = dict(zip(names, schema_guess.declared([*columns, replace(target, feature=feature)]), strict=True))
    markers = sorted({marker for column in (*columns, target) for marker in column.markers})
    preprocessing = recipe.preprocessing(columns, boosted)
    return (
        params_yaml.Draft(
            name, task, path, arguments.target, arguments.time, tuple(markers), schema, method, recipe.SEED,
            preprocessing, estimator, parameters,
        ),
        notes,
    )  # fmt: skip


def _target(read: table.Table, name: str) -> Column:
    column = schema_guess.guess(read, name)
    if isinstance(column, Left):
        raise DataContractError(f"the target {name!r} cannot be predicted: {column.reason}")
    missing = conversion.Violation.of(name, "the target is missing", conversion.absent(column.values), column.values)
    if missing is not None:
        raise DataContractError(f"{missing}; remove those rows, or fill them in")
    return column


def _task(target: Column) -> str:
    distinct = len(set(target.values.tolist()))
    if target.feature.dtype == "int64":
        return "classification" if distinct <= min(_NUMBERED, len(target.values) // 5) else "regression"
    return "regression" if target.feature.dtype == "float64" else "classification"


def _answer(target: Column, task: str) -> Feature:
    """The target's entry of the schema; refused where it does not fit the task."""
    feature = replace(target.feature, nullable=False)
    if task == "regression":
        if feature.dtype not in ("int64", "float64"):
            raise DataContractError(
                f"the target {feature.name!r} is {feature.dtype}, a regression predicts numbers; "
                "use --task classification"
            )
        return replace(feature, dtype="float64")
    classes = sorted(set(target.values.tolist()))
    if feature.dtype == "float64":
        raise DataContractError(
            f"the target {feature.name!r} holds fractions, which name no class; use --task regression, or write text"
        )
    if len(classes) < 2:
        raise DataContractError(
            f"the target {feature.name!r} is {classes[0]!r} in every row; there is nothing to tell apart"
        )
    if len(classes) > _CLASSES:
        raise DataContractError(
            f"the target {feature.name!r} has {len(classes)} different values, more than {_CLASSES} classes; "
            "group them, or use --task regression for numbers"
        )
    return feature if feature.dtype == "bool" else replace(feature, categories=tuple(classes))


def _check_time(read: table.Table, name: str) -> None:
    schema_guess.require(read, name, "--time")
    column = schema_guess.guess(read, name)
    if isinstance(column, Left) or column.kind not in ("moment", "numeric"):
        raise DataContractError(
            f"--time {name!r} holds what is no date; write it as ISO 8601, such as 2024-01-31T09:30:00Z"
        )
    missing = conversion.Violation.of(name, "the time is missing", conversion.absent(column.values), column.values)
    if missing is not None:
        raise DataContractError(f"{missing}; remove those rows, or fill them in")


def _features(read: table.Table, target: str, time: str | None) -> tuple[list[Column], list[str]]:
    columns: list[Column] = []
    notes: list[str] = []
    for name in read.names:
        if name == target:
            continue
        if not name or not name.isprintable():
            notes.append(f"{name!r}: a column needs a name of printable characters; rename it to use it")
            continue
        column = schema_guess.column(read, name)
        if isinstance(column, Column):
            columns.append(column)
        else:
            # The time orders the rows whatever it is worth as a feature.
            notes.append(f"{name!r}{' (it orders the rows)' if name == time else ''}: {column.reason}")
    if not columns:
        raise DataContractError(
            f"no column is left to predict {target!r} from: {'; '.join(notes) or 'it is the only one'}"
        )
    return columns, notes


def _with_gate(draft: params_yaml.Draft, notes: list[str], read: table.Table) -> tuple[str, Baseline]:
    """The text of params.yaml, its gate measured on the training part of these very rows."""
    metric = baseline.METRIC[draft.task]
    params = _loaded(params_yaml.write(draft, notes, metric, 0.5, "to be measured"))
    frame, target, order = _training_part(params, read)
    gate_baseline = baseline.measure(params, train.build(params), frame.iloc[order], target[order])
    text = params_yaml.write(draft, notes, metric, gate_baseline.threshold, gate_baseline.sentence)
    _loaded(text)
    return text, gate_baseline


def _training_part(params: Params, read: table.Table) -> tuple[Any, np.ndarray, np.ndarray]:
    survey = Survey(params)
    survey.add(read)
    survey.finish([read])
    rows = prepare.hold_out(survey, split.twins(survey.hashes)).train
    columns = contract.check(read, (*params.features, params.target), params.data.missing).columns
    frame = tables.frame(params, columns)
    target = tables.target(params, columns)
    moments = survey.moments if params.prepare.split.method == "time" else None
    order = np.arange(len(rows)) if moments is None else np.argsort(moments[rows], kind="stable")
    return frame.iloc[rows], target[rows], order


def _loaded(text: str) -> Params:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            return load(path)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"this table gives no valid params.yaml: {error}; rename the column, or leave it out"
            ) from error


def _tell(draft: params_yaml.Draft, notes: list[str], rows: int, gate_baseline: Baseline) -> None:
    print(f"{draft.name}: {draft.task} of {draft.target!r} from {len(draft.schema) - 1} columns, {rows} rows")
    for note in notes:
        print(f"  left out: {note}")
    print(
        f"  {draft.estimator}, split {draft.method}; gate: {gate_baseline.metric} at least {gate_baseline.threshold:g}"
    )
    print(f"  ({' '.join(gate_baseline.sentence.splitlines())})")
    if gate_baseline.model <= gate_baseline.guess:
        print("  this model is no better than guessing; the gate will stop it: look for columns that tell more")
    print("written: params.yaml, " + f"{draft.path}.dvc, gitops/models/{draft.name}/")
    print("next:")
    print("  dvc repro                      # train it here")
    print("  dvc push                       # the data, to the remote")
    print(f"  git add params.yaml data gitops/models/{draft.name} && git commit -m 'Start {draft.name}' && git push")
