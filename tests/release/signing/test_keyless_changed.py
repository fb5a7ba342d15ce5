"""A signature by an identity of which a part was changed, or was made by a run that only looks like the trusted one."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from artifact.attestation import verify
from artifact.errors import IntegrityError
from tests.attestation.keys import DIGEST
from tests.attestation.sigstore_instance import Instance
from tests.release.signing.test_keyless import TRAIN, Signed, signed


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> tuple[Signed, Signed]:
    """Two signatures of one workflow by one instance."""
    instance = Instance()
    first, second = (signed(instance, tmp_path_factory.mktemp("sigstore"), patch) for _ in range(2))
    return first, second


def refused(data: bytes, by: Signed, match: str | None = None) -> None:
    with pytest.raises(IntegrityError, match=match):
        verify.verify(data, DIGEST, "iris", by.trusting())


@pytest.mark.parametrize(
    "run",
    [
        {"repository": "https://github.com/evil/models"},
        {"repository": "https://github.com/example/modelpin-2"},
        {"ref": "refs/heads/feature"},
        {"ref": "refs/pull/7/merge"},
    ],
    ids=lambda run: next(iter(run.values())),
)
def test_a_run_that_calls_the_trusted_workflow_is_refused(
    tmp_path: Path, patch: pytest.MonkeyPatch, run: dict[str, str]
) -> None:
    """The identity is the called workflow's, as GitHub has it; who called it, and on which ref, is not ours: 20."""
    called = signed(Instance(**run), tmp_path, patch)
    refused(called.data, called, f"does not count for train: .*{next(iter(run.values()))}")


def test_a_certificate_that_is_not_valid_yet_is_refused(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """The log has the entry an hour before the certificate begins."""
    early = signed(Instance(drift=-timedelta(hours=1)), tmp_path, patch)
    refused(early.data, early, "certificate chain")


def test_an_identity_has_its_end_by_the_clock_of_the_certificate(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """A workflow that ended yesterday and dates its statement back is refused by the day of its certificate."""
    back = signed(Instance(), tmp_path, patch, signed_at="2026-01-01T00:00:00Z")
    today = datetime.now(UTC).date()
    verify.verify(back.data, DIGEST, "iris", back.trusting(dataclasses.replace(TRAIN, until=today)))
    until = today - timedelta(days=1)
    with pytest.raises(IntegrityError, match=f"train was allowed to sign until {until}, and signed this on {today}"):
        verify.verify(back.data, DIGEST, "iris", back.trusting(dataclasses.replace(TRAIN, until=until)))


@pytest.mark.parametrize("part", ["certificate", "tlogEntries", "payload and signature"])
def test_parts_of_two_signatures_do_not_fit_together(two: tuple[Signed, Signed], part: str) -> None:
    """A certificate, an entry of the log, or a statement with its signature, of another run of the same workflow."""
    value, other = (json.loads(each.data) for each in two)
    key = "dsseEnvelope" if part == "payload and signature" else "verificationMaterial"
    if key == "dsseEnvelope":
        value[key] = other[key]
    else:
        value[key][part] = other[key][part]
    refused(json.dumps(value).encode(), two[0], "does not count for train")


def test_each_byte_of_a_certificate_counts(two: tuple[Signed, Signed]) -> None:
    """A bit of every seventh byte of it changed: its authority did not give that one."""
    value: dict[str, Any] = json.loads(two[0].data)
    certificate = value["verificationMaterial"]["certificate"]
    whole = base64.b64decode(certificate["rawBytes"])
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        certificate["rawBytes"] = base64.b64encode(flipped).decode()
        refused(json.dumps(value).encode(), two[0])
