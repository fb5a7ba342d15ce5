"""Signatures by a key: one is accepted, and each way to be wrong is refused with a line of its own."""

import base64
import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from artifact import load
from artifact.attestation import bundle, verify
from artifact.attestation.signers import Signer, Signers
from artifact.errors import ConfigurationError, IncompatibleError, IntegrityError
from artifact.manifest import BUNDLE
from tests.attestation import keys
from tests.attestation.keys import DIGEST, OTHER, Key, statement, trusting
from tests.predictor.models import Packaged

DAY = date(2026, 11, 26)  # of the statement


@pytest.fixture(scope="module")
def key() -> Key:
    """The one that is trusted."""
    return keys.new_key()


def changed(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The bundle after `change` of its JSON."""
    value = json.loads(data)
    change(value)
    return json.dumps(value).encode()


def restated(data: bytes, old: bytes, new: bytes) -> bytes:
    """The bundle whose statement says `new` for `old`, under the signature of before."""

    def change(value: dict[str, Any]) -> None:
        payload = base64.b64decode(value["dsseEnvelope"]["payload"])
        assert old in payload
        value["dsseEnvelope"]["payload"] = base64.b64encode(payload.replace(old, new)).decode()

    return changed(data, change)


@pytest.mark.parametrize("until", [None, DAY, date(2027, 1, 1)])
def test_the_signature_of_a_trusted_key_is_accepted(key: Key, until: date | None) -> None:
    """Signed by a key that may still sign on that day: what it states is returned, and who signed it."""
    attested = verify.verify(key.signs(statement()), DIGEST, "iris", trusting(keys.new_key(), key, until=until))
    assert (attested.statement, attested.signer.name) == (statement(), "key-1")


def test_another_implementation_accepts_it(key: Key) -> None:
    """securesystemslib, which in-toto uses, reads the envelope and finds the signature right."""
    public = SSlibKey.from_crypto(load_der_public_key(key.public))
    value = json.loads(key.signs(statement()))["dsseEnvelope"]
    value["signatures"][0]["keyid"] = public.keyid  # of its own making, which the bundle has no place for
    envelope = Envelope.from_dict(value)
    assert list(envelope.verify([public], 1)) == [public.keyid]
    assert json.loads(envelope.payload)["subject"] == [{"digest": {"sha256": "a" * 64}, "name": "manifest.json"}]


REFUSED: dict[str, tuple[Callable[[Key], bytes], str]] = {
    "another key": (lambda key: keys.new_key().signs(statement()), "is none of those that are trusted (key-0)"),
    "another key that says it is the trusted one": (
        lambda key: changed(
            keys.new_key().signs(statement()),
            lambda value: value["verificationMaterial"]["publicKey"].update(hint=bundle.key_hint(key.public)),
        ),
        "does not fit what it says that key-0 signed",
    ),
    "another digest": (lambda key: key.signs(statement(OTHER)), f"is of iris {OTHER}, the artifact is iris {DIGEST}"),
    "another model": (lambda key: key.signs(statement(model="rose")), "is of rose"),
    "a verdict changed": (
        lambda key: restated(key.signs(dataclasses.replace(statement(), gate="worse")), b'"worse"', b'"better"'),
        "one of the two was changed",
    ),
    "a digest changed": (
        lambda key: restated(key.signs(statement(OTHER)), b"b" * 64, b"a" * 64),
        "one of the two was changed",
    ),
    "a time changed": (
        lambda key: restated(key.signs(statement(signed_at="2027-11-26T10:00:00Z")), b"2027", b"2026"),
        "one of the two was changed",
    ),
    "the signature of another statement": (
        lambda key: changed(
            key.signs(statement()),
            lambda value: value["dsseEnvelope"].update(
                signatures=json.loads(key.signs(statement(OTHER)))["dsseEnvelope"]["signatures"]
            ),
        ),
        "one of the two was changed",
    ),
    "a signature that is none": (
        lambda key: changed(
            key.signs(statement()), lambda value: value["dsseEnvelope"]["signatures"][0].update(sig="AAAA")
        ),
        "one of the two was changed",
    ),
    "two signatures": (
        lambda key: changed(
            key.signs(statement()), lambda value: value["dsseEnvelope"].update(signatures=[{"sig": "AAAA"}] * 2)
        ),
        "not a whole signature",
    ),
    "no signature": (
        lambda key: changed(key.signs(statement()), lambda value: value["dsseEnvelope"].update(signatures=[])),
        "not a whole signature",
    ),
    "another kind of payload": (
        lambda key: changed(key.signs(statement()), lambda value: value["dsseEnvelope"].update(payloadType="text")),
        "it signs 'text'",
    ),
    "another kind of bundle": (
        lambda key: changed(key.signs(statement()), lambda value: value.update(mediaType="application/json")),
        "its mediaType is 'application/json'",
    ),
    "an identity": (
        lambda key: changed(
            key.signs(statement()), lambda value: value.update(verificationMaterial={"certificate": {}})
        ),
        "signed by an identity, and none is trusted (key-0)",
    ),
    "a payload that is not base64": (
        lambda key: changed(key.signs(statement()), lambda value: value["dsseEnvelope"].update(payload="%")),
        "'%' is not base64",
    ),
    "another statement": (
        lambda key: _signed(key, b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"slsa","subject":[]}'),
        "it is of type 'slsa'",
    ),
    "a statement without a field": (
        lambda key: _signed(key, statement().to_bytes().replace(b'"gate"', b'"gates"')),
        "'gate'",
    ),
    "a time without its zone": (lambda key: key.signs(statement(signed_at="2026-11-26T10:00:00")), "no time in UTC"),
    "two subjects": (
        lambda key: _signed(key, statement().to_bytes().replace(b'"subject":[{', b'"subject":[{},{')),
        "is not one that `release publish` writes",
    ),
    "nothing": (lambda key: b"", "is not JSON"),
    "no JSON": (lambda key: b"\x80signature", "is not JSON"),
    "a list": (lambda key: b"[]", "not a whole signature"),
    "too large": (lambda key: b" " * (bundle.LARGEST + 1), "a signature has at most"),
}


def _signed(key: Key, payload: bytes) -> bytes:
    """The bundle of `payload`, whatever that says."""

    class Raw:
        def to_bytes(self) -> bytes:
            return payload

    return key.signs(Raw())  # type: ignore[arg-type]


@pytest.mark.parametrize("title", REFUSED)
def test_refused(key: Key, title: str) -> None:
    """It ends with 20 and a line that says the value."""
    make, says = REFUSED[title]
    with pytest.raises(IntegrityError) as error:
        verify.verify(make(key), DIGEST, "iris", trusting(key))
    assert says in str(error.value)


def test_a_signature_cut_anywhere_is_refused(key: Key) -> None:
    """Of the bytes of a bundle no beginning but the whole is accepted; only the line break at its end may lack."""
    data = key.signs(statement())
    for length in range(len(data) - 1):
        with pytest.raises(IntegrityError):
            verify.verify(data[:length], DIGEST, "iris", trusting(key))


def test_an_expired_key_is_refused(key: Key) -> None:
    """What a key signed the day after its last one does not count, and the line says both days."""
    late = statement(signed_at="2026-11-27T00:00:00Z")
    with pytest.raises(
        IntegrityError, match=r"key-0 was allowed to sign until 2026-11-26, and signed this on 2026-11-27T00:"
    ):
        verify.verify(key.signs(late), DIGEST, "iris", trusting(key, until=DAY))


def test_a_list_with_a_key_of_another_kind_is_a_wrong_setting(key: Key) -> None:
    """A trusted key on another curve, and bytes that are none, are said as faults of the list: 10."""
    for public, says in (
        (keys.new_key(ec.SECP384R1()).public, "none of ECDSA on the curve P-256"),
        (b"junk", "no public"),
    ):
        data = changed(
            key.signs(statement()),
            lambda value, public=public: value["verificationMaterial"]["publicKey"].update(
                hint=bundle.key_hint(public)
            ),
        )
        with pytest.raises(ConfigurationError, match=says):
            verify.verify(data, DIGEST, "iris", Signers((Signer("wrong", key=public),)))


def test_an_image_without_the_extra_says_so(key: Key, iris: Packaged, tmp_path: Path) -> None:
    """Where cryptography is not installed, nothing is loaded unverified: 22, and which extra to choose."""
    shutil.copytree(iris.directory, tmp_path / "signed")
    (tmp_path / "signed" / BUNDLE).write_bytes(key.signs(statement(iris.digest)))
    assert load.verify(tmp_path / "signed", expected_digest=iris.digest, signers=trusting(key)).digest == iris.digest
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "artifact.attestation.verify")
        patch.delattr("artifact.attestation.verify")
        patch.setitem(sys.modules, "cryptography.exceptions", None)
        with pytest.raises(IncompatibleError, match="make extras EXTRAS='sigstore'"):
            load.verify(tmp_path / "signed", expected_digest=iris.digest, signers=trusting(key))
