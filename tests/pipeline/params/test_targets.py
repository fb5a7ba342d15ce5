"""data.targets: which tasks take several columns, and of which kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from artifact.errors import ConfigurationError
from tests.pipeline.params.test_params import read

SCHEMA: dict[str, Any] = {
    "a": {"dtype": "float64"},
    "kind": {"dtype": "string"},
    "shade": {"dtype": "string"},
    "grade": {"dtype": "int64"},
    "near": {"dtype": "bool"},
}


def several(tmp_path: Path, task: str, *targets: str) -> list[str]:
    """The names of the features that are left."""
    changes = {
        "model__task": task,
        "schema": {"a": SCHEMA["a"], **{name: SCHEMA[name] for name in targets}},
        "data__target": None,
        "data__targets": list(targets),
        "prepare__split": {"method": "random", "test_size": 0.3, "seed": 1},
        "train__preprocessing": {},
        "gate__thresholds": {"accuracy": {"min": 0.1}},
        "evaluate__slices": {"rows": 10},
        "evaluate__behaviour": [],
    }
    return [feature.name for feature in read(tmp_path, **changes).features]


def test_classes_of_several_targets(tmp_path: Path) -> None:
    """Texts, or whole numbers."""
    assert several(tmp_path, "multioutput", "kind", "shade") == ["a"]


@pytest.mark.parametrize(
    ("task", "targets", "says"),
    [
        ("multioutput", ("kind",), "two or more columns of text or whole numbers"),
        ("multioutput", ("kind", "grade"), "columns of one dtype, and these are int64, string"),
        ("multioutput", ("near", "near"), "names a target twice"),
        ("multioutput", ("kind", "near"), "has the dtype bool; multioutput takes string, int64"),
        ("multilabel", ("near",), "two or more columns of booleans"),
        ("classification", ("kind", "shade"), "one target for classification"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, task: str, targets: tuple[str, ...], says: str) -> None:
    """Exit 10 with what the task takes."""
    with pytest.raises(ConfigurationError, match=says):
        several(tmp_path, task, *targets)
