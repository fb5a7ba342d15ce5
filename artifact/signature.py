"""What a model takes and gives: ordered, named, typed columns. Written in the manifest, obeyed offline and online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from artifact import output
from artifact.errors import ConfigurationError
from artifact.feature import DTYPES, NUMERIC, TIMES, Feature, Range, Value, as_json, is_unicode, label_text
from artifact.output import TASKS, Output

__all__ = [
    "DTYPES",
    "NUMERIC",
    "TASKS",
    "TIMES",
    "Feature",
    "Output",
    "Range",
    "Signature",
    "Value",
    "as_json",
    "for_model",
    "is_unicode",
    "label_text",
]


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

    @property
    def number(self) -> bool:
        """Whether the answer is one number a row: labels, and several outputs, are judged otherwise."""
        return self.task == "regression" and self.outputs[0].columns is None

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
            outputs = [Output.from_dict(output) for output in value["outputs"]]
            signature = cls(value["task"], tuple(inputs), tuple(outputs))
            # Written again it is the same, so that no key and no type was passed over.
            if signature.to_dict() != value or not inputs or len(set(signature.names)) != len(inputs):
                raise ValueError("it has no inputs, one twice, or keys that are none of a signature's")
            output.check(signature.task, signature.outputs)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ConfigurationError(
                f"signature: {error!r:.200} while reading it; the manifest is not one of this format"
            ) from error
        return signature


def for_model(task: str, inputs: tuple[Feature, ...], target: Feature | Sequence[Feature], model: Any) -> Signature:
    """The signature of a fitted estimator; `target` is one column or several, none for `outliers`.

    `artifact.output.for_estimator` says which outputs there are.
    """
    targets = (target,) if isinstance(target, Feature) else tuple(target)
    return Signature(task, inputs, output.for_estimator(task, targets, model))
