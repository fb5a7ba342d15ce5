"""What a model takes and gives: ordered, named, typed columns. Written in the manifest, obeyed offline and online."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from artifact.errors import ConfigurationError

DTYPES = ("float64", "int64", "bool", "string")
TASKS = ("classification", "regression")

Value = str | int | float | bool
Range = tuple[float | None, float | None]

_FEATURE_KEYS = ("dtype", "nullable", "range", "categories")


@dataclass(frozen=True)
class Feature:
    """One input column.

    `range` (inclusive, either end may be None) and `categories` are declared constraints: values outside are refused,
    at training and at serving alike. What training merely happened to see is in the reference profile instead.
    """

    name: str
    dtype: str
    nullable: bool = False
    range: Range | None = None
    categories: tuple[Value, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; constraints that are not declared are left out."""
        value: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "nullable": self.nullable}
        if self.range is not None:
            value["range"] = list(self.range)
        if self.categories is not None:
            value["categories"] = list(self.categories)
        return value

    @classmethod
    def from_dict(cls, name: str, declared: Mapping[str, Any]) -> Feature:
        """Read one entry of the schema; ConfigurationError names the column, the key and the remedy."""
        where = f"schema of column {name!r}"
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ConfigurationError(f"{where}: a column name is printable text; quote it if YAML reads it as a number")
        if not isinstance(declared, Mapping):
            raise ConfigurationError(f"{where}: {declared!r} is not a mapping such as {{dtype: float64}}")
        for key in declared:
            if key not in _FEATURE_KEYS:
                near = difflib.get_close_matches(str(key), _FEATURE_KEYS, 1)
                raise ConfigurationError(
                    f"{where}: unknown key {key!r}; "
                    + (f"did you mean {near[0]!r}?" if near else f"use {_FEATURE_KEYS}")
                )
        dtype = declared.get("dtype")
        if dtype not in DTYPES:
            raise ConfigurationError(f"{where}: dtype {dtype!r} is not one of {', '.join(DTYPES)}")
        nullable = declared.get("nullable", False)
        if not isinstance(nullable, bool):
            raise ConfigurationError(f"{where}: nullable {nullable!r} is neither true nor false")
        if nullable and dtype == "int64":
            raise ConfigurationError(f"{where}: an integer column with missing values is declared float64, not int64")
        return cls(
            name,
            dtype,
            nullable,
            _range(where, dtype, declared.get("range")),
            _categories(where, dtype, declared.get("categories")),
        )


@dataclass(frozen=True)
class Output:
    """One output tensor: shape [rows], or [rows, len(columns)] where `columns` names the second axis."""

    name: str
    dtype: str
    columns: tuple[str, ...] | None = None
    categories: tuple[Value, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        value: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        if self.columns is not None:
            value["columns"] = list(self.columns)
        if self.categories is not None:
            value["categories"] = list(self.categories)
        return value


@dataclass(frozen=True)
class Signature:
    """Ordered inputs and outputs of a model."""

    task: str
    inputs: tuple[Feature, ...]
    outputs: tuple[Output, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs, in the order the model was trained with."""
        return tuple(feature.name for feature in self.inputs)

    @cached_property
    def common_dtype(self) -> str | None:
        """The dtype all inputs share, so that one wide tensor can carry them; None for mixed inputs."""
        dtypes = {feature.dtype for feature in self.inputs}
        return dtypes.pop() if len(dtypes) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in the manifest."""
        return {
            "task": self.task,
            "inputs": [feature.to_dict() for feature in self.inputs],
            "outputs": [output.to_dict() for output in self.outputs],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Signature:
        """Read the JSON form of a manifest; ConfigurationError for anything else."""
        try:
            inputs = []
            for declared in value["inputs"]:
                rest = {key: item for key, item in declared.items() if key != "name"}
                inputs.append(Feature.from_dict(declared["name"], rest))
            outputs = [
                Output(
                    output["name"],
                    output["dtype"],
                    tuple(output["columns"]) if "columns" in output else None,
                    tuple(output["categories"]) if "categories" in output else None,
                )
                for output in value["outputs"]
            ]
            signature = cls(value["task"], tuple(inputs), tuple(outputs))
            # Written again it is the same, so that no key and no type was passed over.
            if signature.to_dict() != value or not inputs or len(set(signature.names)) != len(inputs):
                raise ValueError("it has no inputs, one twice, or keys that are none of a signature's")
            _check_outputs(signature)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ConfigurationError(
                f"signature: {error!r:.200} while reading it; the manifest is not one of this format"
            ) from error
        return signature


def _check_outputs(signature: Signature) -> None:
    """ValueError unless the outputs are such as `for_model` makes."""
    if signature.task == "regression":
        expected: tuple[Output, ...] = (Output("prediction", "float64"),)
    elif signature.task == "classification":
        label = signature.outputs[0]
        classes = _categories("label", label.dtype, label.categories) or ()
        if not classes:
            raise ValueError("the label has no categories")
        columns = tuple(label_text(value) for value in classes)
        expected = (Output("label", label.dtype, categories=classes), Output("probabilities", "float64", columns))
        expected = expected[: len(signature.outputs)]
    else:
        raise ValueError(f"task {signature.task!r} is not one of {', '.join(TASKS)}")
    if signature.outputs != expected:
        raise ValueError(f"the outputs of a {signature.task} are not {[output.name for output in signature.outputs]}")


def for_model(task: str, inputs: tuple[Feature, ...], target: Feature, model: Any) -> Signature:
    """The signature of a fitted estimator: its outputs follow from the task and from what it can predict.

    Classification gives `label` (the target's dtype, `categories` in the order of `model.classes_`) and, where the
    model has predict_proba, `probabilities` (float64, one column a class). Regression gives `prediction` (float64).
    """
    if task == "regression":
        return Signature(task, inputs, (Output("prediction", "float64"),))
    if task != "classification":
        raise ConfigurationError(f"task {task!r} is not one of {', '.join(TASKS)}")
    classes = tuple(as_json(value) for value in model.classes_)
    outputs = [Output("label", target.dtype, categories=classes)]
    if hasattr(model, "predict_proba"):
        outputs.append(Output("probabilities", "float64", columns=tuple(label_text(value) for value in classes)))
    return Signature(task, inputs, tuple(outputs))


def as_json(value: Any) -> Value:
    """A numpy scalar as the JSON value it stands for."""
    item = value.item() if hasattr(value, "item") else value
    if not isinstance(item, str | int | float | bool):
        raise ConfigurationError(f"{value!r} cannot stand in a signature: use text, numbers or booleans")
    return item


def label_text(value: Value) -> str:
    """A class as a column name: JSON's spelling, so that True is `true` and 1 is `1`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8: JSON can hold half of a surrogate pair, which no encoding has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _range(where: str, dtype: str, declared: Any) -> Range | None:
    if declared is None:
        return None
    if dtype not in ("float64", "int64"):
        raise ConfigurationError(f"{where}: a range does not fit dtype {dtype}; declare categories instead")
    if not isinstance(declared, list | tuple) or len(declared) != 2:
        raise ConfigurationError(f"{where}: range {declared!r} is not [lowest, highest], where either may be null")
    largest = 2**63 - 1 if dtype == "int64" else sys.float_info.max
    for end in declared:
        number = isinstance(end, int | float) and not isinstance(end, bool)
        if end is not None and not (number and -largest <= end <= largest):
            raise ConfigurationError(
                f"{where}: range {declared!r:.200} has the end {end!r:.80}, which is not a finite number or null"
            )
    low, high = declared
    if low is not None and high is not None and low > high:
        raise ConfigurationError(f"{where}: range {declared!r} is empty: the lowest comes first")
    return (low, high)


def _categories(where: str, dtype: str, declared: Any) -> tuple[Value, ...] | None:
    if declared is None:
        return None
    kind = {"string": str, "int64": int, "bool": bool}.get(dtype)
    if kind is None:
        raise ConfigurationError(f"{where}: categories do not fit dtype {dtype}; declare a range instead")
    if not isinstance(declared, list | tuple) or not declared:
        raise ConfigurationError(f"{where}: categories {declared!r} is not a list of at least one value")
    for value in declared:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigurationError(
                f"{where}: category {value!r:.80} is not of dtype {dtype}; quote it if YAML reads it as something else"
            )
        if not (is_unicode(value) if isinstance(value, str) else -(2**63) <= int(value) < 2**63):  # type: ignore[call-overload]
            raise ConfigurationError(f"{where}: category {value!r:.80} is no value that {dtype} can hold")
    if len(set(declared)) != len(declared):
        raise ConfigurationError(f"{where}: categories {declared!r} holds a value twice")
    return tuple(declared)
