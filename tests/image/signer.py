"""Signs attestations of images as GitHub's Sigstore does: what `gh attestation verify` reads, but with keys of our own.

A certificate authority that gives a certificate for a workflow run, an authority that stamps the time, and the trusted
root that names both. GitHub's own cannot run here; the verifier is the real `gh`.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PROVENANCE = "https://slsa.dev/provenance/v1"
SBOM = "https://cyclonedx.org/bom"
_FULCIO = "1.3.6.1.4.1.57264.1."
_TSA = """\
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Identity:
    """The run that signs: of which repository, by which workflow, on which ref, on whose runner.

    `caller`: the repository that called the workflow, None where it is its own. `valid`: days from now on which its
    certificate begins and ends.
    """

    repository: str
    workflow: str = ".github/workflows/image.yml"
    ref: str = "refs/heads/main"
    runner: str = "github-hosted"
    caller: str | None = None
    valid: tuple[int, int] = (-1, 30)


@dataclass(frozen=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


class Signer:
    """Keeps its keys in `folder`; `trusted_root` is the file that `gh attestation verify` takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = _authority("modelpin tests")
        self._clock = _authority("modelpin clock")
        self._stamp = _issue(self._clock, "clock", [ExtendedKeyUsageOID.TIME_STAMPING], [], critical=True)
        self.trusted_root = folder / "trusted_root.jsonl"
        self.trusted_root.write_text(json.dumps(self._root()) + "\n")
        (folder / "tsa.cnf").write_text(_TSA.format(folder=folder))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.key").write_bytes(_pem(self._stamp.key))
        (folder / "tsa.crt").write_bytes(self._stamp.certificate.public_bytes(Encoding.PEM))

    def bundle(self, name: str, digest: str, kind: str, predicate: Any, identity: Identity) -> bytes:
        """A Sigstore bundle: `identity` says the `predicate` of `kind` about the image `name` with `digest`."""
        algorithm, _, value = digest.partition(":")
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {algorithm: value}}],
            "predicateType": kind,
            "predicate": predicate,
        }
        payload, payload_type = json.dumps(statement).encode(), "application/vnd.in-toto+json"
        signed = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
        uses = [ExtendedKeyUsageOID.CODE_SIGNING]
        leaf = _issue(self._authority, "run", uses, _claims(identity), valid=identity.valid)
        signature = leaf.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        bundle = {
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "certificate": {"rawBytes": _text(leaf.certificate.public_bytes(Encoding.DER))},
                "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": _text(self._now(signature))}]},
            },
            "dsseEnvelope": {
                "payload": _text(payload),
                "payloadType": payload_type,
                "signatures": [{"sig": _text(signature)}],
            },
        }
        return json.dumps(bundle).encode()

    def _now(self, signature: bytes) -> bytes:
        """RFC 3161: openssl's time stamp of the signature."""
        data, query, reply = (self._folder / name for name in ("data", "query", "reply"))
        data.write_bytes(signature)
        commands = (
            ["-query", "-data", data, "-sha256", "-cert", "-out", query],
            [
                *("-reply", "-config", self._folder / "tsa.cnf", "-queryfile", query, "-out", reply),
                *("-inkey", self._folder / "tsa.key", "-signer", self._folder / "tsa.crt"),
            ],
        )
        for arguments in commands:
            subprocess.run(["openssl", "ts", *arguments], check=True, capture_output=True)
        return reply.read_bytes()

    def _root(self) -> dict[str, Any]:
        def entry(*certificates: x509.Certificate) -> dict[str, Any]:
            chain = [{"rawBytes": _text(certificate.public_bytes(Encoding.DER))} for certificate in certificates]
            return {
                "subject": {"organization": "modelpin tests", "commonName": "tests"},
                "uri": "https://tests.invalid",
                "certChain": {"certificates": chain},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [],
            "certificateAuthorities": [entry(self._authority.certificate)],
            "ctlogs": [],
            "timestampAuthorities": [entry(self._stamp.certificate, self._clock.certificate)],
        }


def push(registry: str, repository: str, image: str, bundle: bytes) -> None:
    """Put `bundle` beside the image with the digest `image`, as actions/attest does: a manifest that refers to it."""
    import urllib.request

    def request(method: str, url: str, data: bytes | None = None, media: str = "") -> Any:
        requests = urllib.request.Request(url, data, {"Content-Type": media} if media else {}, method=method)
        return urllib.request.urlopen(requests, timeout=60)

    base = f"http://{registry}/v2/{repository}"
    accept = "application/vnd.oci.image.index.v1+json"
    head = urllib.request.Request(f"{base}/manifests/{image}", headers={"Accept": accept})
    with urllib.request.urlopen(head, timeout=60) as answer:
        size = len(answer.read())

    def upload(data: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        location = request("POST", f"{base}/blobs/uploads/", b"").headers["Location"]
        location = location if location.startswith("http") else f"http://{registry}{location}"
        joiner = "&" if "?" in location else "?"
        request("PUT", f"{location}{joiner}digest={digest}", data, "application/octet-stream").close()
        return {"digest": digest, "size": len(data)}

    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": BUNDLE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", **upload(b"{}")},
            "layers": [{"mediaType": BUNDLE, **upload(bundle)}],
            "subject": {"mediaType": accept, "digest": image, "size": size},
        }
    ).encode()
    named = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    request("PUT", f"{base}/manifests/{named}", manifest, "application/vnd.oci.image.manifest.v1+json").close()
    # A registry without OCI 1.1's list of referrers is given it as an index under a tag made of the digest.
    fallback = f"{base}/manifests/{image.replace(':', '-')}"
    listed: list[dict[str, Any]] = []
    try:
        with urllib.request.urlopen(urllib.request.Request(fallback, headers={"Accept": accept}), timeout=60) as answer:
            listed = json.load(answer)["manifests"]
    except urllib.error.HTTPError:
        pass
    media = "application/vnd.oci.image.manifest.v1+json"
    listed.append({"mediaType": media, "digest": named, "size": len(manifest), "artifactType": BUNDLE})
    index = {"schemaVersion": 2, "mediaType": accept, "manifests": listed}
    request("PUT", fallback, json.dumps(index).encode(), accept).close()


def _claims(identity: Identity) -> list[x509.ExtensionType]:
    signer = f"https://github.com/{identity.repository}/{identity.workflow}@{identity.ref}"
    home = f"https://github.com/{identity.caller or identity.repository}"
    owner = home.rpartition("/")[0]
    values = {
        8: "https://token.actions.githubusercontent.com",
        9: signer,
        10: "0" * 40,
        11: identity.runner,
        12: home,
        13: "0" * 40,
        14: identity.ref,
        15: "1",
        16: owner,
        17: "2",
        18: f"{home}/.github/workflows/train.yml@{identity.ref}",
        19: "0" * 40,
        20: "push",
        21: f"{home}/actions/runs/1/attempts/1",
        22: "private",
    }
    # Each value is a UTF8String of DER.
    texts = [
        x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{_FULCIO}{number}"), _utf8(value))
        for number, value in values.items()
    ]
    return [x509.SubjectAlternativeName([x509.UniformResourceIdentifier(signer)]), *texts]


def _utf8(text: str) -> bytes:
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 128 else b"\x81" + bytes([len(data)])
    return b"\x0c" + length + data


def _authority(name: str) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = _builder(subject, subject, key.public_key()).add_extension(x509.BasicConstraints(True, None), True)
    return _Authority(key, builder.add_extension(usage, True).sign(key, hashes.SHA256()))


def _issue(
    authority: _Authority,
    name: str,
    uses: list[x509.ObjectIdentifier],
    extensions: list[x509.ExtensionType],
    critical: bool = False,
    valid: tuple[int, int] = (-1, 30),
) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    builder = _builder(subject, authority.certificate.subject, key.public_key(), valid)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical).add_extension(usage, True)
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return _Authority(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: tuple[int, int] = (-1, 30)
) -> x509.CertificateBuilder:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0] * day)
        .not_valid_after(now + valid[1] * day)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
