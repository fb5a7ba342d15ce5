"""Signed artifacts through publish, deploy, champion and doctor, on a real S3 and a real Git remote."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from artifact import digest, load
from artifact.attestation import bundle
from artifact.attestation.statement import Statement
from artifact.manifest import BUNDLE
from release.gitops import signers
from tests.attestation import keys
from tests.attestation.keys import Key, statement, trusting
from tests.conftest import Bucket
from tests.release.conftest import DATA, IMAGE, INPUTS, ROOT, Repository, git, write_verdict

Make = Callable[[int], Path]
TODAY = datetime.now(UTC).date()
DEPLOY = ("deploy", "--env", "staging", "--image", IMAGE, "--uri")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Key:
    """The one that publish signs with."""
    result = keys.new_key()
    monkeypatch.setenv("SIGNING_KEY", result.pem)
    return result


def trust(repository: Repository, *trusted: Key, until: date | None = None, required: str = "required") -> None:
    """Commit whom the repository trusts, and that staging and production ask for it."""
    text = signers.render(trusting(*trusted, until=until))
    file = repository.folder / signers.PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    for name in ("staging", "production"):
        path = repository.folder / f"gitops/models/iris/{name}/environment.yaml"
        path.write_text(re.sub(r"(?m)^signatures: .*$", f"signatures: {required}", path.read_text()))
    git(repository.folder, "add", "--all")
    git(repository.folder, "commit", "--quiet", "--allow-empty", "--message", "trust")
    git(repository.folder, "pull", "--quiet", "--rebase", "origin", "main")
    git(repository.folder, "push", "--quiet", "origin", "HEAD:main")


def key_of(uri: str) -> str:
    """The key of the bundle of the artifact at `uri`."""
    return uri.split("/", 3)[3] + BUNDLE


def put(s3: Bucket, uri: str, data: bytes) -> None:
    """Another bundle in the place of the one that was published, as no role of ours may."""
    s3.client.put_object(Bucket=s3.name, Key=key_of(uri), Body=data)


def stated(s3: Bucket, uri: str) -> Statement:
    """What the bundle in the bucket says, whoever signed it."""
    data = s3.client.get_object(Bucket=s3.name, Key=key_of(uri))["Body"].read()
    return Statement.from_bytes(bundle.read(data).payload)


def test_publish_signs_once(repository: Repository, key: Key, publish: Callable[[int], str], s3: Bucket) -> None:
    """Inputs, data, commit and verdict are signed beside the manifest; published again, the first signature stays."""
    uri = publish(1)
    signed = stated(s3, uri)
    commit = git(repository.folder, "rev-parse", "HEAD")
    name = uri.rstrip("/").rpartition("/")[2]
    assert signed == Statement("iris", name, INPUTS, DATA, commit, "better", signed.signed_at)
    assert abs(datetime.now(UTC) - signed.time) < timedelta(minutes=5)
    before = s3.client.get_object(Bucket=s3.name, Key=key_of(uri))["Body"].read()
    assert publish(1) == uri
    assert s3.client.get_object(Bucket=s3.name, Key=key_of(uri))["Body"].read() == before


@pytest.mark.story
def test_an_artifact_of_before_is_signed_when_it_is_published_again(
    repository: Repository, publish: Callable[[int], str], s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key nothing is signed; with one, the same artifact gets its signature, and may be deployed."""
    uri = publish(1)
    assert not s3.keys(key_of(uri))
    key = keys.new_key()
    trust(repository, key)
    assert repository.release(*DEPLOY, uri).code == 20
    monkeypatch.setenv("SIGNING_KEY", key.pem)
    assert publish(1) == uri
    assert repository.release(*DEPLOY, uri).code == 0


def test_an_artifact_of_version_1_is_not_signed(repository: Repository, key: Key, s3: Bucket, tmp_path: Path) -> None:
    """Images of its time do not start beside a file that they do not know: 10, and nothing is written."""
    artifact = tmp_path / "old"
    shutil.copytree(ROOT / "tests/artifact/formats/1", artifact)
    described = json.loads((artifact / "manifest.json").read_bytes())
    verdict = write_verdict(artifact, data_digest=described["data_digest"])
    line = ("--artifact", str(artifact), "--verdict", str(verdict), "--model", described["model"])
    done = repository.release("publish", *line)
    assert (done.code, s3.keys()) == (10, [])
    assert "is of schema_version 1" in done.err.splitlines()[-1]


@pytest.mark.story
def test_show_says_who_signed_and_fetch_brings_it(
    repository: Repository, key: Key, publish: Callable[[int], str]
) -> None:
    """The signer is named where it is trusted; what was fetched can be verified again, by its folder alone."""
    uri = publish(1)
    assert "signed by: None" in repository.release("show", uri).out
    (repository.folder / signers.PATH).parent.mkdir(parents=True)
    (repository.folder / signers.PATH).write_text(signers.render(trusting(key)))
    assert "signed by: key-0 on 20" in repository.release("show", uri).out
    assert repository.release("fetch", uri, "--out", "there").code == 0
    name = uri.rstrip("/").rpartition("/")[2]
    verified = load.verify(repository.folder / "there", expected_digest=name, signers=trusting(key))
    assert verified.digest == name


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SIGNING_KEY": "no key"}, "SIGNING_KEY holds no private key"),
        ({"SIGNING_KEY": "of another"}, "none of those that are trusted (key-0): add it with"),
        ({"SIGNING": "yes"}, "SIGNING is 'yes'"),
        ({"SIGNING": "keyless", "SIGNING_KEY": "x"}, "and SIGNING_KEY is set"),
    ],
    ids=str,
)
def test_what_cannot_sign_is_said_before_anything_is_written(
    repository: Repository,
    make_artifact: Make,
    s3: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    says: str,
) -> None:
    """A key that is none, or not trusted, and variables that contradict each other: 10, and an empty bucket."""
    trust(repository, keys.new_key())
    for name, value in variables.items():
        monkeypatch.setenv(name, keys.new_key().pem if value == "of another" else value)
    artifact = make_artifact(1)
    done = repository.release("publish", "--artifact", str(artifact), "--verdict", str(write_verdict(artifact)))
    assert (done.code, s3.keys()) == (10, [])
    assert says in done.err.splitlines()[-1]


@pytest.mark.story
def test_an_expired_key_signs_nothing(repository: Repository, key: Key, make_artifact: Make, s3: Bucket) -> None:
    """From the day after its last one publish refuses it: 10, and what to do."""
    trust(repository, key, until=TODAY - timedelta(days=1))
    artifact = make_artifact(1)
    done = repository.release("publish", "--artifact", str(artifact), "--verdict", str(write_verdict(artifact)))
    assert (done.code, s3.keys()) == (10, [])
    assert "key-0, was allowed to sign until" in done.err.splitlines()[-1]


@pytest.mark.story
def test_deploy_takes_what_was_signed(
    repository: Repository, key: Key, publish: Callable[[int], str], s3: Bucket
) -> None:
    """The record gets what the signer states, and not what somebody wrote into the metadata of an object."""
    trust(repository, key)
    uri = publish(1)
    target = {"Bucket": s3.name, "Key": uri.split("/", 3)[3] + "manifest.json"}
    body = s3.client.get_object(**target)
    forged = body["Metadata"] | {"source-commit": "f" * 40, "inputs-digest": digest.of_bytes(b"forged")}
    s3.client.put_object(**target, Body=body["Body"].read(), Metadata=forged)
    assert repository.release(*DEPLOY, uri).code == 0
    record = repository.text_of("gitops/models/iris/staging/record.yaml")
    assert INPUTS in record
    assert "f" * 40 not in record


OTHER = "sha256-" + "b" * 64
# Title → (what is put beside the artifact, which is `name` and whose key is `key`; None takes it away; what is said).
REFUSED: dict[str, tuple[Callable[[Key, str], bytes | None], str]] = {
    "nobody signed it": (lambda key, name: None, f"it has no {BUNDLE}"),
    "another identity": (lambda key, name: keys.new_key().signs(statement(name)), "none of those that are trusted"),
    "another digest": (lambda key, name: key.signs(statement(OTHER)), f"is of iris {OTHER}"),
    "another model": (lambda key, name: key.signs(statement(name, "rose")), "is of rose"),
    "a changed statement": (
        lambda key, name: key.signs(statement(name)).replace(b'"payload": "eyJ', b'"payload": "eyK'),
        "one of the two was changed",
    ),
    "a truncated bundle": (lambda key, name: key.signs(statement(name))[:-20], "is not JSON"),
    "an expired key": (
        lambda key, name: key.signs(statement(name, signed_at="2099-01-01T00:00:00Z")),
        "allowed to sign",
    ),
}


@pytest.mark.parametrize(
    "command",
    [
        ("deploy", "--env", "production", "--image", IMAGE, "--uri"),
        pytest.param(
            ("champion", "--out", "build/champion", "--record", "build/champion.json"), marks=pytest.mark.story
        ),
        pytest.param(("doctor", "signers"), marks=pytest.mark.story),
    ],
    ids=lambda command: command[0],
)
def test_refused(
    repository: Repository,
    key: Key,
    publish: Callable[[int], str],
    s3: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    """What is not signed as it must be is not deployed, no champion, and a fault to doctor: 20, and nothing changes."""
    monkeypatch.setenv("RECORDS_FROM", "branch")
    trust(repository, key, until=TODAY)
    uri = publish(1)
    assert repository.release(*DEPLOY, uri).code == 0
    before = repository.history()
    words = (*command, uri) if command[0] == "deploy" else command
    for title, (change, says) in REFUSED.items():
        data = change(key, uri.rstrip("/").rpartition("/")[2])
        s3.client.delete_object(Bucket=s3.name, Key=key_of(uri))
        if data is not None:
            put(s3, uri, data)
        done = repository.release(*words)
        assert (done.code, says in done.err.splitlines()[-1]) == (20, True), (title, done.err)
    assert repository.history() == before
    assert not (repository.folder / "build/champion").exists()


@pytest.mark.story
def test_a_signature_that_is_dated_back_is_refused(
    repository: Repository, key: Key, publish: Callable[[int], str], s3: Bucket
) -> None:
    """A stolen key that has expired signs as if it were earlier: the bucket's clock says when it got that."""
    trust(repository, key)
    uri = publish(1)
    trust(repository, key, until=TODAY - timedelta(days=7))
    put(
        s3, uri, key.signs(statement(stated(s3, uri).model_digest, signed_at=f"{TODAY - timedelta(days=30)}T00:00:00Z"))
    )
    done = repository.release(*DEPLOY, uri)
    assert done.code == 20
    assert f"and the bucket got {uri}{BUNDLE} on {TODAY}" in done.err.splitlines()[-1]


@pytest.mark.story
def test_what_was_signed_in_time_goes_on_counting(
    repository: Repository, key: Key, publish: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotation: a new key signs, what the old one signed is deployed still, and once it is removed no more."""
    new = keys.new_key()
    trust(repository, key, new)
    old = publish(1)
    trust(repository, key, new, until=TODAY)
    monkeypatch.setenv("SIGNING_KEY", new.pem)
    assert repository.release(*DEPLOY, publish(2)).code == 0
    assert repository.release("deploy", "--env", "production", "--image", IMAGE, "--uri", old).code == 0
    trust(repository, new)
    done = repository.release(*DEPLOY, old)
    assert (done.code, "none of those that are trusted" in done.err) == (20, True)


@pytest.mark.story
def test_unsigned_is_accepted_where_nothing_is_asked(repository: Repository, publish: Callable[[int], str]) -> None:
    """`signatures: none`, or no such line, is as before; another word is a wrong setting: 10."""
    assert repository.release(*DEPLOY, publish(1)).code == 0
    assert "no environment asks for signatures" in repository.release("doctor", "signers").out
    trust(repository, required="maybe")
    done = repository.release(*DEPLOY, publish(2))
    assert (done.code, "signatures must be one of required, none, not 'maybe'" in done.err) == (10, True)


@pytest.mark.story
def test_doctor_says_who_signed_and_for_how_long(
    repository: Repository, key: Key, publish: Callable[[int], str]
) -> None:
    """Each kept release with its signer; a key that ends within a month, or has ended, is a warning; nobody a fault."""
    trust(repository, key)
    assert repository.release(*DEPLOY, publish(1)).code == 0
    out = repository.release("doctor", "signers").out
    assert re.search(r"ok +signers +iris in staging: iris-[0-9a-f]{8} by key-0$", out)
    for day, says in ((TODAY + timedelta(days=9), "may sign until"), (TODAY - timedelta(days=1), "signs no more")):
        trust(repository, key, until=day)
        assert re.search(rf"warning +signers +key-0 .*{says}", repository.release("doctor", "signers").out)
    trust(repository)
    done = repository.release("doctor", "signers")
    assert (done.code, "nobody's count" in done.out) == (10, True)
