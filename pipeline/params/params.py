"""params.yaml: every value a person owns, typed and frozen, read once by each stage."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact import digest
from artifact.errors import ConfigurationError
from artifact.signature import TASKS, Feature
from pipeline.params import yaml12
from pipeline.params.evaluate import Check, Slices, read_behaviour, read_slices
from pipeline.params.gate import Rules, read_rules
from pipeline.params.prepare import Expectations, read_expectations, read_unique
from pipeline.params.section import Section, near
from pipeline.params.thresholds import Threshold, read_thresholds
from pipeline.params.tune import Tune, read_tune

PARAMS = Path("params.yaml")
SPLITS = ("stratified", "random", "time")
_SECTIONS = ("model", "data", "schema", "prepare", "train", "evaluate", "package", "gate", "track")
_SEED = 2**32 - 1


@dataclass(frozen=True)
class Model:
    """What is trained: its name, everywhere the same, and `classification` or `regression`."""

    name: str
    task: str


@dataclass(frozen=True)
class Data:
    """The table: a CSV or Parquet file, or a folder of them.

    `target` is the column to predict; `time` the column that orders the rows, if any. `missing` are texts of a CSV that
    stand for a missing number or boolean, besides the empty cell; in a column of text every text is a value.
    """

    path: str
    target: str
    time: str | None
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """How rows are held out: `test_size` of them, by `stratified`, `random` or `time`."""

    method: str
    test_size: float
    seed: int


@dataclass(frozen=True)
class Step:
    """One transformer: its import name and keyword parameters."""

    component: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """Columns that pass through the same steps, one after the other."""

    name: str
    columns: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Train:
    """The Pipeline: blocks of preprocessing, then the estimator with its scikit-learn parameters; what is tuned."""

    preprocessing: tuple[Block, ...]
    estimator: str
    parameters: Mapping[str, Any]
    tune: Tune | None = None


@dataclass(frozen=True)
class Bootstrap:
    """Resamples of the held-out rows, for intervals of `confidence`."""

    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Params:
    """All of params.yaml. `features` are the inputs of the model in their order; the target stands beside them."""

    model: Model
    data: Data
    features: tuple[Feature, ...]
    target: Feature
    split: Split
    expectations: Expectations
    train: Train
    bootstrap: Bootstrap
    golden: int
    thresholds: tuple[Threshold, ...]
    slices: Slices
    behaviour: tuple[Check, ...]
    rules: Rules
    experiment: str

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON; lists keep the order of features and blocks, which a mapping would lose."""
        plain: dict[str, Any] = _json(dataclasses.asdict(self))
        return plain

    def column(self, name: str) -> Feature | None:
        """The entry of the schema for `name`: a feature, the target, or None."""
        return next((feature for feature in (*self.features, self.target) if feature.name == name), None)


def load(path: Path = PARAMS) -> Params:
    """Read params.yaml; ConfigurationError (10) names the key, its value and the remedy."""
    root = Section("", yaml12.read(path), _SECTIONS)
    model = root.section("model", ("name", "task"))
    task = model.choice("task", TASKS)
    data = _data(root.section("data", ("path", "target", "time", "missing")))
    schema, unique = read_unique(root.mapping("schema"))
    features, target = _schema(schema, data, task)
    prepare = root.section("prepare", ("split", "contract", "leakage", "drift"))
    package = root.section("package", ("golden",))
    evaluate = root.section("evaluate", ("bootstrap", "slices", "behaviour"))
    gate = root.section("gate", ("thresholds", "champion", "latency", "size"))
    return Params(
        model=Model(digest.model_name(model.text("name")), task),
        data=data,
        features=features,
        target=target,
        split=_split(prepare.section("split", ("method", "test_size", "seed")), data, task),
        expectations=read_expectations(prepare, unique, features, data.time),
        train=_train(root.section("train", ("preprocessing", "estimator", "parameters", "tune")), features, task),
        bootstrap=_bootstrap(evaluate.section("bootstrap", ("resamples", "confidence", "seed"))),
        golden=package.integer("golden", 1, 1000),
        thresholds=read_thresholds(gate, task),
        slices=read_slices(evaluate, (*features, target)),
        behaviour=read_behaviour(evaluate, features, target, task),
        rules=read_rules(gate, task),
        experiment=root.section("track", ("experiment",)).text("experiment"),
    )


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    # JSON has no NaN, which SimpleImputer takes for a parameter.
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _data(section: Section) -> Data:
    path = section.text("path")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise section.wrong("path", path, "a path inside this repository, such as data/iris.csv")
    return Data(path, section.text("target"), section.optional_text("time"), section.texts("missing"))


def _schema(schema: Mapping[str, Any], data: Data, task: str) -> tuple[tuple[Feature, ...], Feature]:
    columns = {name: Feature.from_dict(name, declared) for name, declared in schema.items()}
    if data.target not in columns:
        raise ConfigurationError(
            f"params.yaml: data.target is {data.target!r}, which schema does not declare{near(data.target, columns)}"
        )
    target = columns.pop(data.target)
    if target.nullable:
        raise ConfigurationError(
            f"params.yaml: schema of the target {data.target!r} says nullable; a row without its answer cannot train"
        )
    fitting = ("string", "int64", "bool") if task == "classification" else ("float64", "int64")
    if target.dtype not in fitting:
        raise ConfigurationError(
            f"params.yaml: the target {data.target!r} has the dtype {target.dtype}; {task} takes {', '.join(fitting)}"
        )
    if not columns:
        raise ConfigurationError("params.yaml: schema declares the target only; declare the columns to predict it from")
    return tuple(columns.values()), target


def _split(section: Section, data: Data, task: str) -> Split:
    method = section.choice("method", SPLITS)
    if method == "stratified" and task == "regression":
        raise section.wrong("method", method, "random or time: a regression has no classes to stratify by")
    if method == "time" and data.time is None:
        raise ConfigurationError(
            "params.yaml: prepare.split.method is 'time', but data.time names no column; name it, or use random"
        )
    return Split(method, section.fraction("test_size"), section.integer("seed", 0, _SEED))


def _train(section: Section, features: tuple[Feature, ...], task: str) -> Train:
    blocks = tuple(
        _block(section.where("preprocessing"), name, value) for name, value in section.mapping("preprocessing").items()
    )
    known = [feature.name for feature in features]
    for block in blocks:
        for column in block.columns:
            if column not in known:
                raise ConfigurationError(
                    f"params.yaml: train.preprocessing.{block.name}.columns names {column!r}, "
                    f"which is no feature of schema{near(column, known)}"
                )
    unused = [name for name in known if not any(name in block.columns for block in blocks)]
    if blocks and unused:
        raise ConfigurationError(
            f"params.yaml: the feature {unused[0]!r} is in no block of train.preprocessing; "
            "add it to one (steps: [] passes it on), or take it out of schema"
        )
    return Train(blocks, section.text("estimator"), section.mapping("parameters"), read_tune(section, task))


def _block(path: str, name: str, value: Any) -> Block:
    section = Section(f"{path}.{name}", value, ("columns", "steps"))
    if "__" in name:
        raise ConfigurationError(f"params.yaml: {section.path}: scikit-learn reserves '__' in names; use another")
    columns = section.texts("columns")
    if not columns:
        raise section.wrong("columns", list(columns), "a list of at least one feature")
    steps = section.required("steps")
    if not isinstance(steps, list):
        raise section.wrong("steps", steps, "a list such as [{sklearn.preprocessing.StandardScaler: {}}]")
    return Block(
        name, columns, tuple(_step(f"{section.path}.steps[{index}]", step) for index, step in enumerate(steps))
    )


def _step(where: str, value: Any) -> Step:
    if isinstance(value, str):
        return Step(value, {})
    if isinstance(value, Mapping) and len(value) == 1:
        component, parameters = next(iter(value.items()))
        if isinstance(component, str) and isinstance(parameters or {}, Mapping):
            return Step(component, parameters or {})
    raise ConfigurationError(
        f"params.yaml: {where} is {value!r}, expected one import name, "
        "such as {sklearn.preprocessing.StandardScaler: {}}"
    )


def _bootstrap(section: Section) -> Bootstrap:
    return Bootstrap(
        section.integer("resamples", 10, 100_000), section.fraction("confidence"), section.integer("seed", 0, _SEED)
    )
