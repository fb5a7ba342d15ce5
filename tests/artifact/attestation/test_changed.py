"""A signature of which one value was changed, or which lies beside another artifact: nothing of it counts."""

from __future__ import annotations

import base64
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from artifact import load
from artifact.attestation import verify
from artifact.attestation.statement import Statement
from artifact.errors import IntegrityError
from artifact.manifest import BUNDLE
from tests.artifact.attestation.test_verify import changed, restated
from tests.attestation import keys
from tests.attestation.keys import DIGEST, OTHER, statement, trusting
from tests.predictor.models import Packaged

KEY = keys.new_key()
TRUSTED = trusting(KEY)
OTHERS = ("x", "QUJD", 7, [], {}, None, True)
# What a bundle by a key may say as it likes: nobody reads it, here or in Sigstore.
UNREAD = {("dsseEnvelope", "signatures", 0, "keyid"), ("verificationMaterial", "tlogEntries")}


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The path to each value in a value of JSON."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, *path, key)


def replaced(data: bytes, path: tuple[Any, ...], value: Any) -> bytes:
    """The JSON in `data` with `value` at `path`."""

    def change(whole: Any) -> None:
        for key in path[:-1]:
            whole = whole[key]
        whole[path[-1]] = value

    return changed(data, change)


def test_each_value_of_a_bundle_counts() -> None:
    """Each one, one after the other, becomes another text, a number, a list, an object or nothing: refused with 20."""
    data = KEY.signs(statement())
    whole = verify.verify(data, DIGEST, "iris", TRUSTED)
    accepted = set()
    for path in places(json.loads(data)):
        for value in OTHERS:
            try:
                assert verify.verify(replaced(data, path, value), DIGEST, "iris", TRUSTED) == whole
            except IntegrityError:
                continue
            accepted.add(path)
    assert accepted == UNREAD


def test_each_value_of_a_statement_counts() -> None:
    """Each field, each digest and each name that was signed: another one under the old signature is refused."""
    data = KEY.signs(statement())
    payload = base64.b64decode(json.loads(data)["dsseEnvelope"]["payload"])
    texts = [path for path in places(json.loads(payload)) if type(_at(json.loads(payload), path)) is str]
    assert len(texts) == 10
    for path in texts:
        forged = replaced(payload, path, "x" + _at(json.loads(payload), path))
        with pytest.raises(IntegrityError, match="one of the two was changed"):
            verify.verify(restated(data, payload, forged), DIGEST, "iris", TRUSTED)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize(
    "other",
    [statement(OTHER), statement(OTHER, "rose"), statement(OTHER, signed_at="2026-11-20T10:00:00Z")],
    ids=["a release beside it", "another model", "an older release"],
)
def test_signatures_that_changed_places_are_refused(other: Statement) -> None:
    """Both are signed by the trusted key, and each counts for its own artifact alone."""
    first = statement()
    for its, theirs in ((first, other), (other, first)):
        verify.verify(KEY.signs(its), its.model_digest, its.model, TRUSTED)
        with pytest.raises(IntegrityError, match="put back the signature that was published with it"):
            verify.verify(KEY.signs(theirs), its.model_digest, its.model, TRUSTED)


def test_a_signature_of_the_same_by_another_key_is_refused() -> None:
    """The right artifact and the right statement, by a key that nobody trusts, whatever it calls itself."""
    hint = json.loads(KEY.signs(statement()))["verificationMaterial"]["publicKey"]["hint"]
    forged = keys.new_key().signs(statement())
    with pytest.raises(IntegrityError, match="is none of those that are trusted"):
        verify.verify(forged, DIGEST, "iris", TRUSTED)
    for name in (hint, hint.upper(), hint + " ", "\nerror: all is well\n"):
        path = ("verificationMaterial", "publicKey", "hint")
        with pytest.raises(IntegrityError) as error:
            verify.verify(replaced(forged, path, name), DIGEST, "iris", TRUSTED)
        assert "\n" not in str(error.value)


def test_a_statement_of_tomorrow_counts_for_a_signer_without_an_end_only() -> None:
    """A clock that runs ahead is no forgery; where the signer has an end, what is dated after it is refused."""
    ahead = dataclasses.replace(statement(), signed_at="2099-01-01T00:00:00Z")
    verify.verify(KEY.signs(ahead), DIGEST, "iris", TRUSTED)
    with pytest.raises(IntegrityError, match="2099-01-01"):
        verify.verify(KEY.signs(ahead), DIGEST, "iris", trusting(KEY, until=statement().time.date()))


def _linked(folder: Path) -> None:
    (folder / BUNDLE).rename(folder.with_name("bundle"))
    (folder / BUNDLE).symlink_to(folder.with_name("bundle"))


def _folder(folder: Path) -> None:
    (folder / BUNDLE).unlink()
    (folder / BUNDLE).mkdir()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_linked, f"'{BUNDLE}' is not a plain file"),
        (_folder, f"'{BUNDLE}' is not a plain file"),
        (lambda folder: (folder / BUNDLE).write_bytes(b""), "is empty"),
        (lambda folder: (folder / f"{BUNDLE}.2").write_bytes(b"{}"), "is not in the manifest"),
        (lambda folder: (folder / "statement.json").symlink_to(BUNDLE), "'statement.json' is not a plain file"),
    ],
    ids=["a link", "a folder", "nothing in it", "a second one", "a link beside it"],
)
def test_what_lies_beside_a_signed_manifest(
    iris: Packaged, tmp_path: Path, change: Callable[[Path], object], says: str
) -> None:
    """A signature that is no plain file, and whatever else is there, is refused by who is told whom to trust: 20."""
    folder = tmp_path / "signed"
    shutil.copytree(iris.directory, folder)
    (folder / BUNDLE).write_bytes(KEY.signs(statement(iris.digest)))
    assert load.verify(folder, expected_digest=iris.digest, signers=TRUSTED).digest == iris.digest
    change(folder)
    with pytest.raises(IntegrityError) as error:
        load.verify(folder, expected_digest=iris.digest, signers=TRUSTED)
    assert says in str(error.value)
