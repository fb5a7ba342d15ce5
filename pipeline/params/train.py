"""The section train of params.yaml: the Pipeline that is fitted, and what is searched for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from artifact.errors import ConfigurationError
from artifact.signature import Feature
from pipeline.params.decision import Calibration, Decide, Interval
from pipeline.params.messages import near, wrong
from pipeline.params.metrics import Catalogue
from pipeline.params.section import Section, Text
from pipeline.params.tune import Tune

_STEP = {
    "description": "one import name with its parameters",
    "examples": ["{sklearn.preprocessing.StandardScaler: {}}"],
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": {"type": ["object", "null"]},
        },
    ],
}


class Step(Section):
    """One transformer: its import name and keyword parameters."""

    component: str
    parameters: dict[str, Any] = Field(default={})


def _step(value: Any) -> Any:
    """`{NAME: {PARAMETER: VALUE}}`, or NAME alone, as a step; anything else is left for pydantic to refuse."""
    if isinstance(value, str):
        return Step(component=value)
    if isinstance(value, Mapping) and len(value) == 1:
        ((component, parameters),) = value.items()
        if isinstance(component, str) and isinstance(parameters or {}, Mapping):
            return Step.model_construct(component=component, parameters=parameters or {})
    return None


class Block(Section):
    """Columns that pass through the same steps, one after the other."""

    columns: Annotated[
        tuple[str, ...],
        Field(strict=False, min_length=1, description="a list of at least one feature", examples=["[age, income]"]),
    ]
    steps: Annotated[
        tuple[Annotated[Step, BeforeValidator(_step), WithJsonSchema(_STEP)], ...],
        Field(strict=False, description="a list", examples=["[{sklearn.preprocessing.StandardScaler: {}}]"]),
    ]


class Train(Section):
    """The Pipeline: blocks of preprocessing by name, in their order, then the estimator; what is tuned, if anything.

    `class_weight` is how much rows of each class count: balanced, or by class. `calibration` corrects probabilities,
    `interval` gives a regression two ends, `decision` says how labels follow from probabilities.
    """

    preprocessing: dict[str, Block] = Field(default={})
    estimator: Text
    parameters: dict[str, Any] = Field(default={})
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    calibration: Calibration | None = None
    interval: Interval | None = None
    decision: Decide | None = None
    tune: Tune | None = None

    def to_dict(self) -> dict[str, Any]:
        """The Pipeline as the manifest names it: its blocks as a list, because a mapping in JSON has no order."""
        blocks = [{"name": name, **block.model_dump()} for name, block in self.preprocessing.items()]
        options = self.model_dump(include={"class_weight", "calibration", "interval", "decision"}, exclude_none=True)
        return {"preprocessing": blocks, "estimator": self.estimator, "parameters": self.parameters, **options}

    @property
    def search(self) -> Tune | None:
        """What is searched and how; None where train.tune is not set, or its method is none."""
        return None if self.tune is None or self.tune.method == "none" else self.tune


def check_train(train: Train, features: Sequence[Feature], task: str, catalogue: Catalogue) -> None:
    """ConfigurationError (10) where the blocks do not take each feature, or the search does not fit the task."""
    columns = [feature.name for feature in features]
    for name, block in train.preprocessing.items():
        if "__" in name:
            raise ConfigurationError(
                f"params.yaml: train.preprocessing.{name}: scikit-learn reserves '__' in names; use another"
            )
        for column in block.columns:
            if column not in columns:
                raise ConfigurationError(
                    f"params.yaml: train.preprocessing.{name}.columns names {column!r}, "
                    f"which is no feature of schema{near(column, columns)}"
                )
    unused = [name for name in columns if not any(name in block.columns for block in train.preprocessing.values())]
    if train.preprocessing and unused:
        raise ConfigurationError(
            f"params.yaml: the feature {unused[0]!r} is in no block of train.preprocessing; "
            "add it to one (steps: [] passes it on), or take it out of schema"
        )
    if train.search is not None:
        train.search.check(task, catalogue)
    elif train.tune is not None and train.tune.metric and train.tune.metric not in catalogue:
        # Of any task: a search that is switched off may be left over from another one.
        raise wrong("train.tune.metric", train.tune.metric, "a metric" + near(train.tune.metric, catalogue))
