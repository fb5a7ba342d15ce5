"""What publish states of an artifact: an in-toto statement whose subject is the artifact's manifest.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from artifact import digest, strict_json
from artifact.errors import ConfigurationError, IntegrityError
from artifact.manifest import FILE as MANIFEST

_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:modelpin:publication:1"
_ORIGIN = "the statement of the signature"


@dataclass(frozen=True)
class Statement:
    """`model_digest` names the artifact; the others say what it was made from and what the gate said.

    `signed_at`: when, in UTC, as ISO 8601 with Z; the signer says so.
    """

    model: str
    model_digest: str
    inputs_digest: str
    data_digest: str
    source_commit: str
    gate: str
    signed_at: str

    @property
    def time(self) -> datetime:
        """`signed_at` as a time."""
        return datetime.fromisoformat(self.signed_at)

    def to_bytes(self) -> bytes:
        """The bytes that are signed."""
        predicate = dataclasses.asdict(self)
        subject = {"name": MANIFEST, "digest": {"sha256": predicate.pop("model_digest").removeprefix("sha256-")}}
        return digest.canonical_json(
            {"_type": _TYPE, "subject": [subject], "predicateType": PREDICATE, "predicate": predicate}
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Statement:
        """Read a statement; IntegrityError (20) for one of another type or form."""
        value = strict_json.read(data, _ORIGIN)
        try:
            kind = (value["_type"], value["predicateType"])
            if kind != (_TYPE, PREDICATE):
                raise ValueError(f"it is of type {kind[1]!r:.80}, not {PREDICATE!r}")
            ((subject),) = value["subject"]
            statement = cls(
                model_digest=digest.parse(_text(subject["digest"], "sha256")),
                **{name: _text(value["predicate"], name) for name in _PREDICATE_FIELDS},
            )
            if statement.time.tzinfo != UTC:
                raise ValueError(f"signed_at is {statement.signed_at!r:.80}, no time in UTC")
            return statement
        except (KeyError, TypeError, ValueError, AttributeError, ConfigurationError) as error:
            raise IntegrityError(f"{_ORIGIN} is not one that `release publish` writes: {error}") from error


_PREDICATE_FIELDS = [field.name for field in dataclasses.fields(Statement) if field.name != "model_digest"]


def _text(value: Any, key: str) -> str:
    text = value[key]
    if type(text) is not str:
        raise TypeError(f"{key} is {text!r:.80}, no text")
    return text
