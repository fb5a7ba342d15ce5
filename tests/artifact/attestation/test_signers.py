"""Whom a document trusts, and how one that says it wrongly is refused."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from artifact.attestation import signers
from artifact.attestation.signers import Signer
from artifact.errors import ConfigurationError
from tests.attestation import keys

IDENTITY = {"name": "train", "identity": "https://github.com/…@refs/heads/main", "issuer": "https://issuer"}


def test_what_is_written_is_read() -> None:
    """An entry of either kind is the same after it was written and read."""
    signer = Signer("key", date(2027, 1, 31), key=keys.new_key().public)
    other = Signer("train", identity="https://github.com/x", issuer="https://issuer")
    text = json.dumps({"signers": [signer.to_dict(), other.to_dict()]})
    assert signers.parse(text, "here", "{}").listed == (signer, other)


def test_the_last_day_is_one_of_utc() -> None:
    """A signer may sign until the last moment of its last day in UTC, whatever zone the time is written in."""
    signer = Signer("key", date(2027, 1, 31), key=b"")
    assert signer.may_sign_at(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC))
    assert signer.may_sign_at(datetime.fromisoformat("2027-02-01T00:30:00+01:00"))
    assert not signer.may_sign_at(datetime(2027, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], 'it is not {"signers": [...]}'),
        ({"signers": {}}, 'it is not {"signers": [...]}'),
        ({"signers": [], "more": 1}, 'it is not {"signers": [...]}'),
        ({"signers": ["key"]}, "is no object of texts"),
        ({"signers": [{"name": "a", "key": 1}]}, "is no object of texts"),
        ({"signers": [{"name": "", "key": "AAAA"}]}, "is no object of texts"),
        ({"signers": [{"name": "a"}]}, "an entry has the keys"),
        ({"signers": [{"key": "AAAA"}]}, "an entry has the keys"),
        ({"signers": [{"name": "a", "identity": "x"}]}, "an entry has the keys"),
        ({"signers": [IDENTITY | {"key": "AAAA"}]}, "an entry has the keys"),
        ({"signers": [{"name": "a", "key": "%"}]}, "the key of 'a' is not base64"),
        ({"signers": [{"name": "a", "key": "AAAA", "until": "soon"}]}, "isoformat"),
        ({"signers": [{"name": "a", "key": "AAAA"}] * 2}, "two signers are called 'a'"),
        (
            {"signers": [{"name": "a", "key": "AAAA"}, {"name": "b", "key": "AAAA", "until": "2027-01-31"}]},
            "a and b are one signer",
        ),
        ({"signers": [IDENTITY, IDENTITY | {"name": "b"}]}, "train and b are one signer"),
        ({"signers": [IDENTITY]}, "without trusted_root.json beside it"),
    ],
)
def test_a_wrong_document_is_refused(value: Any, says: str) -> None:
    """Nobody is trusted by guess: 10, with the place and the value."""
    with pytest.raises(ConfigurationError, match="here") as error:
        signers.parse(json.dumps(value), "here")
    assert says in str(error.value)


def test_a_file_is_read_with_the_root_beside_it(tmp_path: Path) -> None:
    """trusted_root.json counts where it is; without the file itself nobody is trusted: 10."""
    file = tmp_path / "signers.json"
    file.write_text(json.dumps({"signers": [IDENTITY]}))
    (tmp_path / "trusted_root.json").write_text("{}")
    assert signers.read(file).trusted_root == "{}"
    with pytest.raises(ConfigurationError, match="nobody is trusted"):
        signers.read(tmp_path / "other.json")
