"""What a model answers: its outputs follow from its task and from what the fitted estimator can predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from artifact.errors import ConfigurationError
from artifact.feature import Feature, Value, as_json, categories_of, label_text

# The target of `multilabel` is several columns of booleans, of `multioutput` several of classes; `outliers` says which
# rows are unlike the others.
TASKS = ("classification", "regression", "multilabel", "multioutput", "outliers")
LOWER, UPPER = "lower", "upper"  # ends of the interval of a regression that has one


@dataclass(frozen=True)
class Output:
    """One output tensor: shape [rows], or [rows, len(columns)] where `columns` names the second axis."""

    name: str
    dtype: str
    columns: tuple[str, ...] | None = None
    categories: tuple[Value, ...] | None = None

    @property
    def flat(self) -> list[str]:
        """Names of its columns in a table: its own, or one for each of `columns`."""
        if self.columns is None:
            return [self.name]
        word = "probability" if self.name == "probabilities" else self.name
        return [f"{word}_{column}" for column in self.columns]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        value: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        if self.columns is not None:
            value["columns"] = list(self.columns)
        if self.categories is not None:
            value["categories"] = list(self.categories)
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read the JSON form; KeyError or TypeError for what is none."""
        return cls(
            value["name"],
            value["dtype"],
            tuple(value["columns"]) if "columns" in value else None,
            tuple(value["categories"]) if "categories" in value else None,
        )


def for_estimator(task: str, targets: tuple[Feature, ...], model: Any) -> tuple[Output, ...]:
    """The outputs of a fitted estimator.

    - classification: `label` (the target's dtype, `categories` in the order of `model.classes_`) and, where the model
      has predict_proba, `probabilities` (float64, one column a class);
    - regression: `prediction` (float64; of several targets a column each), and `lower` and `upper` where the estimator
      has `quantiles`;
    - multilabel: `labels` (bool, a column a target) and, where the model has predict_proba, `probabilities` of true;
    - multioutput: `labels` (the targets' dtype, a column a target, `categories` of all of them) and, where the model
      has predict_proba, `probabilities` (float64, a column `<target>=<class>` for each class of each target);
    - outliers: `outlier` (bool) and `score` (float64, more is less like the rows that were trained on).
    """
    columns = tuple(target.name for target in targets)
    if task == "regression":
        return _regression(columns, hasattr(_last(model), "quantiles"))
    if task == "multilabel":
        return _multilabel(columns, hasattr(model, "predict_proba"))
    if task == "outliers":
        return _OUTLIERS
    if task == "multioutput":
        each = [tuple(as_json(value) for value in classes) for classes in _last(model).classes_]
        probabilities = hasattr(model, "predict_proba")
        return _multioutput(targets[0].dtype, columns, _union(each), _chances(columns, each) if probabilities else None)
    if task != "classification":
        raise ConfigurationError(f"task {task!r} is not one of {', '.join(TASKS)}")
    classes = tuple(as_json(value) for value in model.classes_)
    return _classification(targets[0].dtype, classes, hasattr(model, "predict_proba"))


def check(task: str, outputs: tuple[Output, ...]) -> None:
    """ValueError unless the outputs are such as `for_estimator` makes."""
    first, more = outputs[0], len(outputs) > 1
    if task == "regression":
        expected = _regression(first.columns or (), more)
    elif task == "multilabel":
        expected = _multilabel(first.columns or (), more)
    elif task == "outliers":
        expected = _OUTLIERS
    elif task == "multioutput":
        classes = categories_of("labels", first.dtype, first.categories) or ()
        names = outputs[-1].columns or ()
        each = [tuple(label for label in classes if _chance(target, label) in names) for target in first.columns or ()]
        if not classes or len(first.columns or ()) < 2 or (more and set(names) != set(_chances(first.columns, each))):
            raise ValueError("the labels have no classes, or their probabilities those of other targets")
        expected = _multioutput(first.dtype, first.columns or (), classes, names if more else None)
    elif task == "classification":
        classes = categories_of("label", first.dtype, first.categories) or ()
        if not classes:
            raise ValueError("the label has no categories")
        expected = _classification(first.dtype, classes, more)
    else:
        raise ValueError(f"task {task!r} is not one of {', '.join(TASKS)}")
    if outputs != expected or len(set(first.columns or ())) != len(first.columns or ()):
        raise ValueError(f"the outputs of a {task} are not {[output.name for output in outputs]}")


_OUTLIERS = (Output("outlier", "bool"), Output("score", "float64"))


def _classification(dtype: str, classes: tuple[Value, ...], probabilities: bool) -> tuple[Output, ...]:
    columns = tuple(label_text(value) for value in classes)
    outputs = (Output("label", dtype, categories=classes), Output("probabilities", "float64", columns))
    return outputs if probabilities else outputs[:1]


def _regression(columns: tuple[str, ...], interval: bool) -> tuple[Output, ...]:
    named = columns if len(columns) > 1 else None
    ends = (Output(LOWER, "float64", named), Output(UPPER, "float64", named)) if interval else ()
    return (Output("prediction", "float64", named), *ends)


def _multilabel(columns: tuple[str, ...], probabilities: bool) -> tuple[Output, ...]:
    outputs = (Output("labels", "bool", columns), Output("probabilities", "float64", columns))
    return outputs if probabilities else outputs[:1]


def _multioutput(
    dtype: str, columns: tuple[str, ...], classes: tuple[Value, ...], chances: tuple[str, ...] | None
) -> tuple[Output, ...]:
    labels = Output("labels", dtype, columns, classes)
    return (labels,) if chances is None else (labels, Output("probabilities", "float64", chances))


def _union(each: Sequence[Sequence[Value]]) -> tuple[Value, ...]:
    """All classes, in the order in which the targets name them."""
    return tuple(dict.fromkeys(label for classes in each for label in classes))


def _chances(targets: Sequence[str] | None, each: Sequence[Sequence[Value]]) -> tuple[str, ...]:
    return tuple(_chance(name, label) for name, classes in zip(targets or (), each, strict=True) for label in classes)


def _chance(target: str, label: Value) -> str:
    """The name of the probability that the target has this label."""
    return f"{target}={label_text(label)}"


def classes_of(outputs: tuple[Output, ...]) -> list[list[Value]]:
    """The classes of each target of a `multioutput` model, in the order of their probabilities; all of the classes
    where it gives none."""
    first, labels = outputs[0], outputs[0].categories or ()
    if len(outputs) == 1:
        return [list(labels) for _ in first.columns or ()]
    names = outputs[1].columns or ()
    return [
        sorted(
            (label for label in labels if _chance(target, label) in names),
            key=lambda label: names.index(_chance(target, label)),
        )
        for target in first.columns or ()
    ]


def _last(model: Any) -> Any:
    return model.steps[-1][1] if hasattr(model, "steps") else model
