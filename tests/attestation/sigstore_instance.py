"""A Sigstore on loopback: its own root, a Fulcio, a log of certificates and a Rekor, as far as the client asks them.

It stands in for https://sigstore.dev, which no test may ask. What it signs is checked by Sigstore's own library against
the trusted root that it gives out, so that each signature, proof and time has to be right.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/example/modelpin/.github/workflows/train.yml@refs/heads/main"
_DAY = timedelta(days=1)
_SIGNED_TIMES = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
# https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
_ISSUER_1, _ISSUER_2, _REPOSITORY, _REF = (
    x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}") for number in (1, 8, 12, 14)
)


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signed(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Instance:
    """Its Fulcio writes `identity`, `issuer`, `repository` and `ref` into certificates, whoever asks; the last two are
    of the run that signs, which may have called the workflow of `identity`. `drift`: of Rekor's clock."""

    identity: str = WORKFLOW
    issuer: str = ISSUER
    repository: str = "https://github.com/example/modelpin"
    ref: str = "refs/heads/main"
    drift: timedelta = timedelta()
    url: str = ""
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    rekor_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a Fulcio of the tests")])
        now = datetime.now(UTC)
        usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        self.root = (
            x509.CertificateBuilder(name, name, self.root_key.public_key(), x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.root_key.public_key()), critical=False)
            .sign(self.root_key, hashes.SHA256())
        )

    @property
    def trusted_root(self) -> str:
        """trusted_root.json of this instance."""
        return json.dumps(self._trusted_root)

    @property
    def _trusted_root(self) -> dict[str, Any]:
        valid = {"start": (datetime.now(UTC) - _DAY).isoformat()}
        authority = {
            "subject": {"organization": "tests", "commonName": "fulcio"},
            "uri": self.url,
            "certChain": {"certificates": [{"rawBytes": _text(self.root.public_bytes(Encoding.DER))}]},
            "validFor": valid,
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self._log(self.rekor_key, valid)],
            "certificateAuthorities": [authority],
            "ctlogs": [self._log(self.log_key, valid)],
            "timestampAuthorities": [],
        }

    def _log(self, key: ec.EllipticCurvePrivateKey, valid: dict[str, str]) -> dict[str, Any]:
        public = {"rawBytes": _text(_public(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
        identifier = {"keyId": _text(hashlib.sha256(_public(key)).digest())}
        return {"baseUrl": self.url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": identifier}

    @property
    def trust_config(self) -> str:
        """What a client needs to sign by this instance."""
        valid = {"start": (datetime.now(UTC) - _DAY).isoformat()}
        service = [{"url": self.url, "majorApiVersion": 1, "validFor": valid, "operator": "tests"}]
        signing = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service,
            "oidcUrls": [],
            "rekorTlogUrls": service,
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [],
            "tsaConfig": {"selector": "ANY"},
        }
        kind = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
        return json.dumps({"mediaType": kind, "trustedRoot": self._trusted_root, "signingConfig": signing})

    def certificate(self, request: x509.CertificateSigningRequest) -> list[str]:
        """Fulcio's answer: a certificate of ten minutes with its entry in the log of certificates, and the root."""
        now = datetime.now(UTC).replace(microsecond=0)
        usage = dict.fromkeys(_USAGES, False) | {"digital_signature": True}
        builder = (
            x509.CertificateBuilder(self.root.subject, x509.Name([]), request.public_key(), x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(minutes=10))
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(self.identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_1, self.issuer.encode()), critical=False)
            .add_extension(_utf8(_ISSUER_2, self.issuer), critical=False)
            .add_extension(_utf8(_REPOSITORY, self.repository), critical=False)
            .add_extension(_utf8(_REF, self.ref), critical=False)
        )
        before = builder.sign(self.root_key, hashes.SHA256()).tbs_certificate_bytes
        logged = x509.UnrecognizedExtension(_SIGNED_TIMES, self._signed_time(before, now))
        final = builder.add_extension(logged, critical=False).sign(self.root_key, hashes.SHA256())
        return [certificate.public_bytes(Encoding.PEM).decode() for certificate in (final, self.root)]

    def _signed_time(self, certificate: bytes, now: datetime) -> bytes:
        """RFC 6962, 3.2 and 3.3: one signed time of a certificate that has none yet, as the content of an extension."""
        milliseconds = int(now.timestamp() * 1000)
        issuer = hashlib.sha256(_public(self.root_key)).digest()
        entry = issuer + len(certificate).to_bytes(3, "big") + certificate
        signature = _signed(self.log_key, struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0")
        log = hashlib.sha256(_public(self.log_key)).digest()
        timestamp = struct.pack("!B32sQHBBH", 0, log, milliseconds, 0, 4, 3, len(signature)) + signature
        listed = struct.pack("!HH", len(timestamp) + 2, len(timestamp)) + timestamp
        return b"\x04" + _length(listed) + listed

    def entry(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """Rekor's answer: the entry, alone in its log, with its proof, its signed tree and its promise."""
        content = proposed["spec"]["proposedContent"]
        envelope = json.loads(content["envelope"])
        spec = {
            "envelopeHash": _hash(content["envelope"].encode()),
            "payloadHash": _hash(base64.b64decode(envelope["payload"])),
            "signatures": [{"signature": envelope["signatures"][0]["sig"], "verifier": content["verifiers"][0]}],
        }
        body = json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}, separators=(",", ":")).encode()
        log = hashlib.sha256(_public(self.rekor_key)).digest()
        leaf = hashlib.sha256(b"\0" + body).digest()
        note = f"rekor.tests - 1\n1\n{_text(leaf)}\n"
        checkpoint = f"{note}\n\u2014 rekor.tests {_text(log[:4] + _signed(self.rekor_key, note.encode()))}\n"
        time = int((datetime.now(UTC) + self.drift).timestamp())
        promised = {"body": _text(body), "integratedTime": time, "logID": log.hex(), "logIndex": 0}
        promise = json.dumps(promised, sort_keys=True, separators=(",", ":")).encode()
        proof = {"checkpoint": checkpoint, "hashes": [], "logIndex": 0, "rootHash": leaf.hex(), "treeSize": 1}
        signed_promise = _text(_signed(self.rekor_key, promise))
        return {"0": promised | {"verification": {"inclusionProof": proof, "signedEntryTimestamp": signed_promise}}}

    def token(self) -> str:
        """What GitHub gives to a job that may ask for one."""
        now = datetime.now(UTC)
        claims = {"iss": self.issuer, "sub": "repo:example/modelpin", "aud": "sigstore", "iat": now, "exp": now + _DAY}
        return jwt.encode(claims, "no client checks who signed it, Fulcio does", "HS256")


_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _utf8(number: x509.ObjectIdentifier, text: str) -> x509.UnrecognizedExtension:
    """A field of a certificate whose value is a UTF8String of DER."""
    data = text.encode()
    return x509.UnrecognizedExtension(number, b"\x0c" + _length(data) + data)


def _length(data: bytes) -> bytes:
    """DER's length of `data`."""
    size = len(data)
    return (
        bytes([size])
        if size < 128
        else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    )


@contextmanager
def running(instance: Instance) -> Iterator[dict[str, str]]:
    """Answers as `instance` while the block runs; the variables that GitHub gives to a job beside."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"value": instance.token()})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path == "/api/v2/signingCert":
                pem = base64.b64decode(body["certificateSigningRequest"])
                chain = instance.certificate(x509.load_pem_x509_csr(pem))
                self._answer({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})
            else:
                self._answer(instance.entry(body))

        def _answer(self, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        instance.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield {
                "GITHUB_ACTIONS": "true",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of the job",
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{instance.url}/token?x=y",
            }
        finally:
            server.shutdown()
