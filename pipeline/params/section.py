"""What every section of params.yaml is: a pydantic model with strict types, frozen, that refuses unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import CoreSchema, core_schema

from pipeline.params import messages

Text = Annotated[str, Field(pattern=r"\S")]
# A list in YAML, a tuple here: nothing changes it. Its items stay strict.
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A mapping of params.yaml. A key whose value is null counts as not set."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, Mapping) else value


S = TypeVar("S", bound=Section)


def read(section: type[S], value: Any, path: str) -> S:
    """`value`, which stands at `path` of params.yaml, as a `section`; ConfigurationError (10) names what is wrong."""
    try:
        return section.model_validate(value)
    except ValidationError as error:
        raise messages.explain(error, section.model_json_schema(), path) from error


@dataclass(frozen=True)
class OneOf:
    """Marks a text as one of `choices`: `Annotated[str, OneOf(TASKS)]`."""

    choices: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.literal_schema(list(self.choices))
