"""The section schema of params.yaml: the columns of the table. Its rules are those of artifact.signature.Feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import WithJsonSchema

from artifact.errors import ConfigurationError
from artifact.signature import DTYPES, Feature
from pipeline.params.cells import DECIMALS, THOUSANDS

# For editors; Feature.from_dict checks a column, here and in the predictor.
_COLUMN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dtype"],
    "properties": {
        "dtype": {"enum": list(DTYPES)},
        "nullable": {"type": "boolean", "description": "whether a value may be missing"},
        "range": {"type": ["array", "null"], "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2},
        "categories": {"type": ["array", "null"], "minItems": 1},
        "zone": {"type": ["string", "null"], "description": "of a datetime written without an offset: Europe/Berlin"},
        "unique": {"type": "boolean", "description": "whether all values of the table differ"},
        "format": {
            "type": ["object", "null"],
            "description": "how its cells are written in a file of text",
            "additionalProperties": False,
            "properties": {
                "decimal": {"enum": list(DECIMALS)},
                "thousands": {"enum": list(THOUSANDS)},
                "unit": {"type": "string", "description": "a text beside the number, such as % or €"},
                "date": {
                    "type": ["string", "array"],
                    "items": {"type": "string"},
                    "minItems": 1,
                    "description": "the strptime format of dates, or a list of formats",
                    "examples": ["%d.%m.%Y"],
                },
                "strip": {"type": "boolean", "description": "whether spaces around a text are left out"},
                "lower": {"type": "boolean", "description": "whether a text is read in lower case"},
                "booleans": {
                    "type": "object",
                    "additionalProperties": {"type": "boolean"},
                    "description": "words that stand for true or false",
                },
            },
        },
    },
}
_OF_THE_FILE = ("unique", "format")
Columns = dict[str, Annotated[Any, WithJsonSchema(_COLUMN)]]


def features(columns: Mapping[str, Any]) -> dict[str, Feature]:
    """Column → its entry, without what is no part of a model's signature; ConfigurationError (10)."""
    return {name: Feature.from_dict(name, _signature(name, declared)) for name, declared in columns.items()}


def unique(columns: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns that say `unique: true`."""
    return tuple(name for name, declared in columns.items() if declared.get("unique"))


def _signature(name: str, declared: Any) -> Any:
    if not isinstance(declared, Mapping):
        return declared
    value = declared.get("unique", False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"params.yaml: schema of column {name!r}: unique {value!r} is neither true nor false")
    return {key: value for key, value in declared.items() if key not in _OF_THE_FILE}
