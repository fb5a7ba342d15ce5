"""The types between a protocol and the model: a decoded request, a validated one, and an answer.

v1, v2, CloudEvents and gRPC each have classes of their own of these types; `predictor.model.Model` calls them.
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
    """What an answer says about the model: name, digest, signature."""

    name: str
    digest: str
    signature: Signature


class Answer(NamedTuple):
    """The bytes of an answer. Binary tensors follow its first `json_bytes` bytes, where that is not None."""

    body: bytes
    json_bytes: int | None = None
    headers: Mapping[str, str] = _NO_HEADERS


class Request(Protocol):
    """A validated request."""

    @property
    def columns(self) -> Columns:
        """The values of each feature, feature → [rows]."""

    @property
    def probabilities(self) -> bool:
        """Whether the answer holds probabilities."""

    @property
    def explain(self) -> bool:
        """Whether the answer holds an explanation of each row."""

    def answer(self, served: Served, prediction: Prediction) -> Answer:
        """The bytes of the answer, in the form of the request's protocol."""


class Decoded(Protocol):
    """A request whose bytes are decoded, and whose values are not validated yet."""

    @property
    def rows(self) -> int:
        """How many rows it says it has."""

    def validated(self, validator: Validator, closely: bool) -> Request:
        """The request with its values checked against the signature.

        Raises InvalidRequest for what does not fit, and Unplain, unless it may look `closely`, for values that would
        have to be looked at one by one.
        """

    def free(self) -> None:
        """Give back the memory of what was decoded, a little at a time."""
