"""The file that holds a signature: a bundle of Sigstore, version 0.3, around a DSSE envelope with one statement.

https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto, and for the envelope
https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md. model-signing writes the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from artifact import strict_json
from artifact.errors import IntegrityError
from artifact.manifest import BUNDLE
from artifact.text_file import readable_json

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST = 1 << 20  # bytes: one with a certificate and its log entry has some 10,000


@dataclass(frozen=True)
class Bundle:
    """`payload`: the bytes of the statement; `hint`: which key signed it, as of `key_hint`, None for an identity."""

    payload: bytes
    signature: bytes
    hint: str | None


def read(data: bytes) -> Bundle:
    """The bundle in the bytes of BUNDLE, nothing of it verified; IntegrityError (20) for what is none."""
    if len(data) > LARGEST:
        raise IntegrityError(f"{BUNDLE} has {len(data)} bytes; a signature has at most {LARGEST}")
    value = strict_json.read(data, BUNDLE)
    try:
        if value["mediaType"] != MEDIA_TYPE:
            raise ValueError(f"its mediaType is {value['mediaType']!r:.80}, not {MEDIA_TYPE!r}")
        envelope, material = value["dsseEnvelope"], value["verificationMaterial"]
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"it signs {envelope['payloadType']!r:.80}, not {PAYLOAD_TYPE!r}")
        ((signature),) = envelope["signatures"]
        hint = None if "certificate" in material else _text(material["publicKey"]["hint"])
        return Bundle(_decoded(envelope["payload"]), _decoded(signature["sig"]), hint)
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{BUNDLE} is not a whole signature: {error}; publish the artifact again") from error


def by_key(payload: bytes, signature: bytes, key: bytes) -> bytes:
    """The bytes of BUNDLE for a `signature` over `signed_bytes(payload)` by the private part of `key`, DER."""
    return readable_json(
        {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": key_hint(key)}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
            },
        }
    ).encode()


def signed_bytes(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what a signature is made of, so that the type is signed too."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def key_hint(key: bytes) -> str:
    """The name of a public key, DER: SHA-256 of it as PEM in hexadecimal digits, as model-signing has it."""
    encoded = base64.b64encode(key).decode()
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    pem = "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
    return hashlib.sha256(pem.encode()).hexdigest()


def _text(value: Any) -> str:
    if type(value) is not str or not value:
        raise TypeError(f"the hint of its key is {value!r:.80}")
    return value


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(_text(text), validate=True)
    except binascii.Error as error:
        raise ValueError(f"{str(text)[:20]!r} is not base64") from error
