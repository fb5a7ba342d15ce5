"""Editors check params.yaml by the same rules as the stages."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.params import json_schema
from tests.pipeline.params.test_params import VALID

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / json_schema.PATH).read_text(encoding="utf-8"))
VALUES = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    """Whoever changes a section writes the schema again; params.yaml names it where an editor looks."""
    assert json_schema.text() == (ROOT / json_schema.PATH).read_text(encoding="utf-8"), "run python -m pipeline schema"
    assert (ROOT / "params.yaml").read_text(encoding="utf-8").startswith(json_schema.COMMENT + "\n")


@pytest.mark.parametrize("values", [VALUES, VALID], ids=["params.yaml", "of the tests"])
def test_a_valid_file_has_no_mark(values: dict[str, Any]) -> None:
    """An editor marks nothing in a params.yaml that the stages take."""
    Draft202012Validator.check_schema(SCHEMA)
    assert list(Draft202012Validator(SCHEMA).iter_errors(values)) == []


@pytest.mark.example
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("modle", {}),
        ("model.task", "regresion"),
        ("schema.species.dtyp", 1),
        ("prepare.split.test_size", 1),
        ("train.preprocessing.numeric.steps", [{"a": {}, "b": {}}]),
        ("train.tune.method", "gird"),
        ("evaluate.behaviour", [{"check": "rising", "column": "petal length (cm)"}]),
        ("evaluate.metrics", {"late": {"pinbal": 0.9}}),
        ("gate.latency.ratio", 0.5),
    ],
)
def test_a_wrong_value_has_a_mark(path: str, value: Any) -> None:
    """In an editor already: an unknown key, a misspelled choice, a number out of its range."""
    values = copy.deepcopy(VALUES)
    *parents, key = path.split(".")
    section = values
    for parent in parents:
        section = section[parent]
    section[key] = value
    assert not Draft202012Validator(SCHEMA).is_valid(values)
