"""How the cells of a file are written: which texts are missing values, and the formats of numbers, dates and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer

from artifact.errors import ConfigurationError
from artifact.signature import TIMES
from pipeline.params.messages import wrong
from pipeline.params.section import OneOf, Section, Text, read

DECIMALS = (".", ",")
THOUSANDS = (",", ".", " ", "'", "_")
_Date = Annotated[str, Field(pattern="%", description="a strptime format", examples=["%d.%m.%Y"])]
_Dates = Annotated[
    tuple[_Date, ...],
    Field(strict=False, min_length=1, description="a strptime format, or a list of them", examples=["%d.%m.%Y"]),
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    PlainSerializer(lambda value: value[0] if len(value) == 1 else list(value)),
]


class Format(Section):
    """How the cells of one column are written in a file of text.

    Numbers: the `decimal` mark, the mark between `thousands`, and a `unit` before or after the number (a currency, %),
    which is left out: 51.3% is read as 51.3. `date`: the strptime format of dates and times, which become ISO 8601; of
    several formats the first that reads a cell counts. `strip`: spaces around a text are left out; around numbers they
    always are. `lower`: a text is read in lower case. `booleans`: words in any case, each true or false, besides true,
    false, 1 and 0.
    """

    decimal: Annotated[str, OneOf(DECIMALS)] = "."
    thousands: Annotated[str, OneOf(THOUSANDS)] | None = None
    unit: Text | None = None
    date: _Dates | None = None
    strip: bool = False
    lower: bool = False
    booleans: dict[str, bool] | None = None

    def check(self, path: str, dtype: str) -> None:
        """ConfigurationError (10) where it does not fit a column of `dtype` at `path` of params.yaml."""
        numbers = {"decimal", "thousands", "unit"} & self.model_fields_set
        texts = {"date", "strip", "lower"} & self.model_fields_set
        if numbers and dtype not in ("float64", "int64"):
            raise wrong(f"{path}.{min(numbers)}", getattr(self, min(numbers)), f"a column of numbers, not of {dtype}")
        if self.booleans is not None and dtype != "bool":
            raise wrong(f"{path}.booleans", self.booleans, f"a column of bool, not of {dtype}")
        if texts and dtype not in ("string", *TIMES):
            raise wrong(f"{path}.{min(texts)}", self.to_dict().get(min(texts)), f"a column of text, not of {dtype}")
        if self.thousands == self.decimal:
            raise wrong(f"{path}.thousands", self.thousands, "another mark than that of decimals")

    def to_dict(self) -> dict[str, Any]:
        """What differs from the default, as params.yaml has it."""
        return self.model_dump(exclude_defaults=True)


@dataclass(frozen=True)
class Cells:
    """`missing`: texts that stand for a missing number or boolean; `formats` by column."""

    missing: tuple[str, ...] = ()
    formats: Mapping[str, Format] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What differs from the default, as JSON: empty where nothing does."""
        formats = {name: format.to_dict() for name, format in self.formats.items()}
        return {key: value for key, value in (("missing", list(self.missing)), ("formats", formats)) if value}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave; ConfigurationError (10) for anything else."""
        try:
            formats = {
                name: read(Format, format, f"formats.{name}") for name, format in value.get("formats", {}).items()
            }
            return cls(tuple(value.get("missing", ())), formats)
        except (AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"{value!r:.200} says no formats of cells: {error}; package the model again"
            ) from error


def formats(columns: Mapping[str, Any]) -> dict[str, Format]:
    """The columns of the schema that say `format`; ConfigurationError (10)."""
    declared = {}
    for name, entry in columns.items():
        if isinstance(entry, Mapping) and entry.get("format") is not None:
            path = f"schema.{name}.format"
            declared[name] = read(Format, entry["format"], path)
            declared[name].check(path, entry.get("dtype", ""))
    return declared
