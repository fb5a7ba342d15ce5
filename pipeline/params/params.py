"""params.yaml: every value a person owns, typed and frozen, read once by each stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from artifact import digest
from artifact.errors import ConfigurationError
from artifact.signature import TASKS, Feature
from pipeline.params import cells, declared_metrics, schema, yaml12
from pipeline.params.cells import Cells
from pipeline.params.decision import check_calibration, check_decision, check_interval
from pipeline.params.evaluate import Evaluate, check_evaluate
from pipeline.params.gate import Gate, check_gate
from pipeline.params.messages import near, wrong
from pipeline.params.metrics import Catalogue
from pipeline.params.prepare import Prepare, check_prepare
from pipeline.params.section import OneOf, Section, Text, Texts, read
from pipeline.params.train import Train, check_train

PARAMS = Path("params.yaml")
NUMBER = "number"


class Model(Section):
    """What is trained: its name, everywhere the same, and what kind of answers it gives."""

    name: Annotated[str, AfterValidator(digest.model_name)]
    task: Annotated[str, OneOf(TASKS)]


class Data(Section):
    """The table: a file of one of the kinds in docs/data.md, or a folder of files of one kind.

    `target` is the column to predict, or `targets` are several: numbers for a regression, booleans for multilabel,
    classes for multioutput.
    For outliers it is a boolean that tells the known ones, by which alone the detector is judged. `weight` is a column
    that says how much each row counts in training and in the metrics; `time` the column that orders the rows, if any,
    and `time_format` how it is written where schema does not say it: NUMBER, or a strptime format (default: ISO 8601).
    `missing` are texts of a CSV that stand for a missing number or boolean, besides the empty cell; in a column of text
    every text is a value. Left out before anything else are rows without a target where `drop_missing_target` says so,
    and rows of classes that have fewer rows than `min_class_rows`.
    """

    path: Text
    target: Text | None = None
    targets: Texts = ()
    weight: Text | None = None
    time: Text | None = None
    time_format: Text | None = None
    missing: Texts = ()
    drop_missing_target: bool = False
    min_class_rows: int = Field(default=1, ge=1, le=1_000_000_000)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to predict."""
        return self.targets or ((self.target,) if self.target else ())


class Package(Section):
    """`golden`: how many requests the artifact carries with their answers. `explain`: whether it carries what
    explains its answers too.
    """

    golden: int = Field(ge=1, le=1000)
    explain: bool = False


class Track(Section):
    """The experiment in MLflow."""

    experiment: Text


class Params(Section):
    """All of params.yaml, section by section."""

    model: Model
    data: Data
    columns: schema.Columns = Field(alias="schema")
    prepare: Prepare
    train: Train
    evaluate: Evaluate
    package: Package
    gate: Gate
    track: Track

    @cached_property
    def described(self) -> dict[str, Feature]:
        """The columns of the schema by name, in their order."""
        return schema.features(self.columns)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The inputs of the model in their order: all columns of the schema but the targets and the weight."""
        others = {*self.data.names, self.data.weight}
        return tuple(feature for feature in self.described.values() if feature.name not in others)

    @property
    def targets(self) -> tuple[Feature, ...]:
        """The columns to predict."""
        return tuple(self.described[name] for name in self.data.names)

    @property
    def weights(self) -> tuple[Feature, ...]:
        """The column that weighs the rows, if any."""
        return () if self.data.weight is None else (self.described[self.data.weight],)

    @property
    def target(self) -> Feature:
        """The column to predict, the first of several."""
        return self.targets[0]

    @property
    def catalogue(self) -> Catalogue:
        """All metrics that this file may name, by name: the catalogue, and those of evaluate.metrics."""
        return declared_metrics.catalogue(self.evaluate.metrics, self.model.task)

    @property
    def deciding_metrics(self) -> dict[str, Any]:
        """The metrics of evaluate.metrics that tune a search or thresholds, as JSON: the model depends on them."""
        train = self.train
        deciding = {train.search.metric if train.search else None, train.decision.metric if train.decision else None}
        return {name: metric.model_dump() for name, metric in self.evaluate.metrics.items() if name in deciding}

    @property
    def unique(self) -> tuple[str, ...]:
        """The columns whose values all differ."""
        return schema.unique(self.columns)

    @cached_property
    def cells(self) -> Cells:
        """How the cells of the file are written."""
        formats, data = cells.formats(self.columns), self.data
        if data.time is not None and data.time not in self.columns and data.time_format not in (None, NUMBER):
            formats[data.time] = cells.Format(date=(data.time_format,))
        return Cells(data.missing, formats)

    @property
    def time(self) -> Feature | None:
        """The column that orders the rows: numbers, or dates as text; None where there is none."""
        name = self.data.time
        if name is None:
            return None
        return self.column(name) or Feature(name, "float64" if self.data.time_format == NUMBER else "string")

    def column(self, name: str) -> Feature | None:
        """The entry of the schema for `name`: a feature, the target, or None."""
        return self.described.get(name)

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON; features and blocks as lists, because a mapping in JSON has no order."""
        tune = self.train.search
        values: dict[str, Any] = json_values(
            {
                **self.model_dump(exclude={"columns", "train"}),
                "schema": list(self.columns.items()),
                "train": {**self.train.to_dict(), "tune": None if tune is None else tune.model_dump()},
            }
        )
        return values


def load(path: Path = PARAMS) -> Params:
    """Read params.yaml; ConfigurationError (10) names the key, its value and the remedy."""
    params = read(Params, yaml12.read(path), "")
    task, features = params.model.task, _check_schema(params)
    cells.formats(params.columns)
    check_prepare(params.prepare, features, params.data.time, task)
    declared_metrics.check_metrics(params.evaluate.metrics, task)
    check_train(params.train, features, task, params.catalogue)
    check_interval(params.train.interval, len(params.targets), task)
    check_calibration(params.train.calibration, task)
    check_decision(params.train.decision, params.targets, task, params.catalogue)
    check_evaluate(params.evaluate, features, params.targets, task)
    check_gate(params.gate, task, params.catalogue)
    return params


def json_values(value: Any) -> Any:
    """`value` with what JSON can hold: it has no NaN, which SimpleImputer takes for a parameter, and no tuple."""
    if isinstance(value, Mapping):
        return {key: json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def check_rows(data: Data, described: Mapping[str, Feature], task: str) -> None:
    """ConfigurationError (10) for keys of data that have nothing to say."""
    if data.time_format is not None and (data.time is None or data.time in described):
        raise wrong("data.time_format", data.time_format, "a column in data.time that schema does not describe")
    if data.time_format is not None and data.time_format != NUMBER and "%" not in data.time_format:
        raise wrong("data.time_format", data.time_format, f"{NUMBER}, or a strptime format such as %d.%m.%Y")
    if data.min_class_rows > 1 and task != "classification":
        raise wrong("data.min_class_rows", data.min_class_rows, f"nothing: a {task} has no classes")


def _check_schema(params: Params) -> tuple[Feature, ...]:
    """The features; ConfigurationError (10) where the schema does not describe a table of this task."""
    path, target, task = params.data.path, params.data.target, params.model.task
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise wrong("data.path", path, "a path inside this repository, such as data/iris.csv")
    names = params.data.names
    if bool(target) == bool(params.data.targets) or len(set(names)) != len(names):
        raise ConfigurationError(
            f"params.yaml: data.target is missing; it has no default, set it{_OUTLIERS if task == 'outliers' else ''}"
            if not names
            else "params.yaml: data names a target twice; use either target, or targets that differ"
        )
    for name in (*names, *([params.data.weight] if params.data.weight else [])):
        if name not in params.described:
            raise ConfigurationError(
                f"params.yaml: data.target is {name!r}, which schema does not declare{near(name, params.described)}"
            )
    check_rows(params.data, params.described, task)
    for feature in params.targets:
        _check_target(feature, task)
    if (task in _COLUMNS and len(names) == 1) or (task not in _SEVERAL and len(names) > 1):
        several = f"targets, two or more columns of {_COLUMNS[task]}," if task in _COLUMNS else "one target"
        raise wrong("data.targets", list(names), f"{several} for {task}")
    dtypes = {feature.dtype for feature in params.targets}
    if task == "multioutput" and len(dtypes) > 1:
        raise wrong("data.targets", list(names), f"columns of one dtype, and these are {', '.join(sorted(dtypes))}")
    _check_weight(params)
    if not params.features:
        raise ConfigurationError("params.yaml: schema declares the target only; declare the columns to predict it from")
    return params.features


_OUTLIERS = " to a column of booleans that tells the known outliers: by it alone a detector is judged"
_SEVERAL = ("regression", "multilabel", "multioutput")  # tasks that may have several targets
_COLUMNS = {"multilabel": "booleans", "multioutput": "text or whole numbers"}  # of tasks that have to have several
_FITTING = {
    "classification": ("string", "int64", "bool"),
    "regression": ("float64", "int64"),
    "multilabel": ("bool",),
    "multioutput": ("string", "int64"),
    "outliers": ("bool",),
}


def _check_target(target: Feature, task: str) -> None:
    if target.nullable:
        raise ConfigurationError(
            f"params.yaml: schema of the target {target.name!r} says nullable; a row without its answer cannot train"
        )
    if target.dtype not in _FITTING[task]:
        raise ConfigurationError(
            f"params.yaml: the target {target.name!r} has the dtype {target.dtype}; "
            f"{task} takes {', '.join(_FITTING[task])}"
        )


def _check_weight(params: Params) -> None:
    name = params.data.weight
    if name is None:
        return
    column = params.described[name]
    if column.dtype not in ("float64", "int64") or column.nullable or (column.range or (None,))[0] is None:
        raise ConfigurationError(
            f"params.yaml: schema of data.weight {name!r} declares no weights; use a number with a range that begins "
            "with 0 and no missing value, such as {dtype: float64, range: [0, null]}"
        )
    if (column.range or (-1.0,))[0] < 0:  # type: ignore[operator]  # the end is a number, as above
        raise wrong(f"schema.{name}.range", list(column.range or ()), "a range from 0 on: no row counts less than not")
