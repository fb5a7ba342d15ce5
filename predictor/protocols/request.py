"""What every protocol gives the model and takes from it: a decoded request, a validated one, and an answer.

v1, v2, CloudEvents and gRPC each have their own classes of these forms; `predictor.model.Model` calls them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from artifact.prediction import Columns, Prediction
from artifact.signature import Signature
from artifact.validation.validator import Validator

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Served(NamedTuple):
    """What an answer says about the model that gave it."""

    name: str
    digest: str
    signature: Signature


class Answer(NamedTuple):
    """The bytes of an answer. Binary tensors follow its first `json_bytes` bytes, where that is not None."""

    body: bytes
    json_bytes: int | None = None
    headers: Mapping[str, str] = _NO_HEADERS


class Request(Protocol):
    """A validated request: its columns, and what its answer must hold; `explain`: the reasons for it too."""

    @property
    def columns(self) -> Columns: ...

    @property
    def probabilities(self) -> bool: ...

    @property
    def explain(self) -> bool: ...

    def answer(self, served: Served, prediction: Prediction) -> Answer: ...


class Decoded(Protocol):
    """A request whose bytes are decoded, and whose values nobody has looked at yet. `rows`: how many it says it has.

    `validated` raises InvalidRequest for what does not fit, and Unplain for values that would have to be looked at one
    by one, unless it may look `closely`. `free` gives back the memory of what was decoded, a little at a time.
    """

    @property
    def rows(self) -> int: ...

    def validated(self, validator: Validator, closely: bool) -> Request: ...

    def free(self) -> None: ...
