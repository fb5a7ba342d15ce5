"""Signing without a key, and checking it: Sigstore's own library against an instance on loopback.

What is not run here: GitHub's tokens, which the instance plays, and Sigstore's public instance.
"""

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from artifact.attestation import verify
from artifact.attestation.signers import Signer, Signers
from artifact.errors import ConfigurationError, IntegrityError, StorageError
from release.signing import chosen, keyless, variables
from tests.artifact.attestation.test_verify import changed, restated
from tests.attestation.keys import DIGEST, OTHER, statement
from tests.attestation.sigstore_instance import ISSUER, WORKFLOW, Instance, running

TRAIN = Signer("train", identity=WORKFLOW, issuer=ISSUER)


@dataclasses.dataclass(frozen=True)
class Signed:
    """What an instance signed for a workflow, and its root."""

    data: bytes
    root: str

    def trusting(self, signer: Signer = TRAIN) -> Signers:
        """That signer, of this instance."""
        return Signers((signer,), self.root)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of a job that runs these tests."""
    for name in ("GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def signed(instance: Instance, folder: Path, patch: pytest.MonkeyPatch, signed_at: str | None = None) -> Signed:
    """A statement, dated `signed_at` where that is given, signed as a job whose environment is that of publish."""
    with running(instance) as job:
        for name, value in job.items():
            patch.setenv(name, value)
        (folder / "trust.json").write_text(instance.trust_config)
        settings = {variables.WAY: variables.KEYLESS, variables.TRUST_CONFIG: str(folder / "trust.json")}
        sign = chosen.sign(Signers(()), settings)
        assert sign is not None
        stated = statement() if signed_at is None else statement(signed_at=signed_at)
        return Signed(sign(stated), instance.trusted_root)


@pytest.fixture(scope="module")
def by_train(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """Signed by the workflow that is trusted."""
    with pytest.MonkeyPatch.context() as patch:
        yield signed(Instance(), tmp_path_factory.mktemp("sigstore"), patch)


def test_the_signature_of_a_trusted_workflow_is_accepted(by_train: Signed) -> None:
    """What a job of train.yml on main signed says what it stated, without any key that somebody keeps."""
    attested = verify.verify(by_train.data, DIGEST, "iris", by_train.trusting())
    assert (attested.statement, attested.signer) == (statement(), TRAIN)


@pytest.mark.parametrize(
    "other",
    [
        {"identity": WORKFLOW.replace("train.yml", "other.yml")},
        {"identity": WORKFLOW.replace("heads/main", "heads/branch")},
        {"identity": WORKFLOW.replace("example/modelpin", "fork/modelpin")},
        {"issuer": "https://issuer.example.com"},
    ],
    ids=lambda other: next(iter(other.values()))[-40:],
)
def test_another_identity_is_refused(by_train: Signed, other: dict[str, str]) -> None:
    """A workflow of another name, branch or repository, or one that another issuer vouches for: 20, and who it was."""
    with pytest.raises(IntegrityError, match=f"the signature by {WORKFLOW} does not count for train"):
        verify.verify(by_train.data, DIGEST, "iris", by_train.trusting(dataclasses.replace(TRAIN, **other)))


def test_another_digest_or_statement_is_refused(by_train: Signed) -> None:
    """What was signed for another artifact, and a statement that was changed."""
    with pytest.raises(IntegrityError, match=f"the artifact is iris {OTHER}"):
        verify.verify(by_train.data, OTHER, "iris", by_train.trusting())
    with pytest.raises(IntegrityError, match="invalid signature"):
        verify.verify(restated(by_train.data, b'"better"', b'"worse"'), DIGEST, "iris", by_train.trusting())


def test_another_instance_is_refused(by_train: Signed) -> None:
    """A certificate, and an entry in a log, of a Sigstore that is not trusted."""
    with pytest.raises(IntegrityError, match="certificate chain"):
        verify.verify(by_train.data, DIGEST, "iris", Signers((TRAIN,), Instance().trusted_root))


@pytest.mark.parametrize("part", ["tlogEntries", "certificate"])
def test_a_bundle_without_a_part_is_refused(by_train: Signed, part: str) -> None:
    """Without its entry in the log, or with a certificate that is none, it is no signature."""
    value = [] if part == "tlogEntries" else {"rawBytes": "AAAA"}
    data = changed(by_train.data, lambda bundle: bundle["verificationMaterial"].update({part: value}))
    with pytest.raises(IntegrityError, match="is none by an identity"):
        verify.verify(data, DIGEST, "iris", by_train.trusting())


def test_a_bundle_cut_short_is_refused(by_train: Signed) -> None:
    """Cut at each hundredth byte."""
    for length in range(0, len(by_train.data) - 1, 100):
        with pytest.raises(IntegrityError):
            verify.verify(by_train.data[:length], DIGEST, "iris", by_train.trusting())


def test_no_value_of_a_bundle_ends_in_a_traceback(by_train: Signed) -> None:
    """Each value, one after the other, becomes a text, a number, a list or nothing: the bundle is refused, or accepted
    as before where that value says nothing of who signed what."""

    def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            if isinstance(item, dict | list):
                yield from places(item, *path, key)

    whole = verify.verify(by_train.data, DIGEST, "iris", by_train.trusting())
    refused, accepted = 0, set()
    for path in places(json.loads(by_train.data)):
        for value in ("x", 7, [], None):
            copy = parent = json.loads(by_train.data)
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = value
            try:
                assert verify.verify(json.dumps(copy).encode(), DIGEST, "iris", by_train.trusting()) == whole
            except IntegrityError:
                refused += 1
            else:
                accepted.add(path[-1])
    assert refused > 80
    assert not accepted & {"payload", "payloadType", "sig", "rawBytes", "mediaType", "canonicalizedBody", "rootHash"}


def test_a_certificate_that_had_expired_is_refused(tmp_path: Path, quiet: pytest.MonkeyPatch) -> None:
    """The log has the entry an hour after a certificate that holds for ten minutes."""
    late = signed(Instance(drift=timedelta(hours=1)), tmp_path, quiet)
    with pytest.raises(IntegrityError, match="certificate chain"):
        verify.verify(late.data, DIGEST, "iris", late.trusting())


def test_a_root_that_is_none_is_a_wrong_setting(by_train: Signed) -> None:
    """trusted_root.json that is not of Sigstore's form: 10."""
    for root in ("{}", json.dumps(json.loads(by_train.root) | {"mediaType": "x"}), "none"):
        with pytest.raises(ConfigurationError, match="the trusted root is none of Sigstore's"):
            verify.verify(by_train.data, DIGEST, "iris", Signers((TRAIN,), root))


def test_nobody_signs_outside_of_a_job(tmp_path: Path, quiet: pytest.MonkeyPatch) -> None:
    """Where nothing says who this is: 10, before Sigstore is asked."""
    sign = chosen.sign(Signers(()), {variables.WAY: variables.KEYLESS})
    assert sign is not None
    with pytest.raises(ConfigurationError, match="nothing says who this is"):
        sign(statement())


def test_sigstore_that_does_not_answer(tmp_path: Path, quiet: pytest.MonkeyPatch) -> None:
    """A job whose Sigstore is gone ends with 30, and may run again."""
    instance = Instance()
    with running(instance) as job:
        for name, value in job.items():
            quiet.setenv(name, value)
        gone = instance.trust_config.replace(instance.url, "http://127.0.0.1:9")
        (tmp_path / "trust.json").write_text(gone)
        settings = {variables.WAY: variables.KEYLESS, variables.TRUST_CONFIG: str(tmp_path / "trust.json")}
        sign = chosen.sign(Signers(()), settings)
        assert sign is not None
        with pytest.raises(StorageError, match="Sigstore did not sign"):
            sign(statement())


@pytest.fixture
def no_sigstore(quiet: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing remembered of Sigstore's public instance, and no way to it."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        quiet.setenv(name, str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        quiet.setenv(name, "http://127.0.0.1:9")
        quiet.setenv(name.upper(), "http://127.0.0.1:9")
    return quiet


def test_a_root_that_cannot_be_fetched(no_sigstore: pytest.MonkeyPatch) -> None:
    """Without a way to Sigstore `trust --workflow` ends with 30, and says which option takes a file."""
    with pytest.raises(StorageError, match="give a file by --trusted-root"):
        keyless.trusted_root()


def test_the_public_root_is_one_that_is_read(by_train: Signed, no_sigstore: pytest.MonkeyPatch) -> None:
    """The root that Sigstore's library comes with, as `trust` would write it: read, and another instance refused."""
    public = keyless.ClientTrustConfig.production(offline=True)
    no_sigstore.setattr(keyless.ClientTrustConfig, "production", lambda: public)
    with pytest.raises(IntegrityError, match="certificate chain"):
        verify.verify(by_train.data, DIGEST, "iris", Signers((TRAIN,), keyless.trusted_root()))
