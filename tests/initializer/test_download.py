"""`python -m initializer` against the embedded S3, and a line to it that fails."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from artifact import digest, file_list, load
from artifact.errors import ModelpinError
from initializer import __main__, bucket, download
from tests.conftest import Bucket
from tests.deadlines import START_SECONDS
from tests.predictor.models import counts
from tests.release.line import Line

ROOT = Path(__file__).parents[2]
CONTENTS = {"model.joblib": bytes(range(256)) * 11, "profile.json": b'{"p": 1}\n', "golden.json": b"[]\n" * 50}


@dataclass(frozen=True)
class Published:
    """An artifact in the bucket: where it is, what it must be, and how to change an object behind Git's back."""

    s3: Bucket
    uri: str
    files: dict[str, bytes]

    def put(self, path: str, data: bytes) -> None:
        self.s3.client.put_object(Bucket=self.s3.name, Key=self.key(path), Body=data)

    def delete(self, path: str) -> None:
        self.s3.client.delete_object(Bucket=self.s3.name, Key=self.key(path))

    def key(self, path: str) -> str:
        return self.uri.removeprefix(f"s3://{self.s3.name}/") + path


def publish(s3: Bucket, contents: dict[str, bytes]) -> Published:
    """Put `contents` and a manifest that lists them under the manifest's digest."""
    listed = [{"path": path, "size": len(data), "sha256": digest.of_bytes(data)} for path, data in contents.items()]
    files = contents | {file_list.FILE: json.dumps({"schema_version": 2, "files": listed}).encode()}
    named = digest.of_bytes(files[file_list.FILE])
    published = Published(s3, f"s3://{s3.name}/models/flower/{named}/", files)
    for path, data in files.items():
        published.put(path, data)
    return published


@pytest.fixture
def published(s3: Bucket) -> Published:
    return publish(s3, CONTENTS)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(published: Published, folder: Path, code: int, words: str) -> None:
    """The download ends with `code` and `words`, and leaves none of its files."""
    with pytest.raises(ModelpinError, match=words) as caught:
        __main__.main([published.uri, str(folder)])
    assert caught.value.exit_code == code
    assert files_in(folder) == {}


@pytest.mark.parametrize("piece", [download.PIECE, 1000])
def test_an_artifact_arrives_byte_for_byte(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """In one piece a file or in several; what lies beside it in the bucket stays there, but for its signature."""
    monkeypatch.setattr(download, "PIECE", piece)
    published.put("extra.bin", b"nobody named me")
    __main__.main([published.uri, str(tmp_path / "new" / "folder")])
    assert files_in(tmp_path / "new" / "folder") == published.files
    published.put(file_list.BUNDLE, b"signed")
    __main__.main([published.uri, str(tmp_path / "new" / "folder")])
    assert files_in(tmp_path / "new" / "folder") == published.files | {file_list.BUNDLE: b"signed"}


def test_the_predictor_accepts_what_it_brings(s3: Bucket, tmp_path: Path) -> None:
    """A real artifact, published, downloaded, verified again and loaded."""
    model = counts(tmp_path / "packaged")
    uri = f"s3://{s3.name}/models/{model.name}/{model.digest}/"
    for path in model.directory.iterdir():
        s3.client.put_object(
            Bucket=s3.name, Key=uri.removeprefix(f"s3://{s3.name}/") + path.name, Body=path.read_bytes()
        )
    __main__.main([uri, str(tmp_path / "models")])
    assert load.load(tmp_path / "models", expected_digest=model.digest).digest == model.digest


@pytest.mark.parametrize(
    ("path", "change", "code", "words"),
    [
        ("model.joblib", lambda data: data[:-1] + b"?", 20, r"model.joblib is of sha256-\w+, its manifest names"),
        ("model.joblib", lambda data: data[:-1], 20, "has 2815 bytes, its manifest names 2816"),
        ("model.joblib", lambda data: data[:1000], 20, "has 1000 bytes, its manifest names 2816"),
        ("model.joblib", lambda data: data + b"more", 20, "has 2820 bytes, its manifest names 2816"),
        ("golden.json", None, 20, "'golden.json' is missing"),
        (file_list.FILE, lambda data: data + b"\n", 20, r"is of sha256-\w+, but sha256-\w+ was named"),
        (file_list.FILE, None, 30, "there is no manifest.json of sha256-"),
    ],
)
def test_what_was_changed_behind_gits_back_is_refused(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    path: str, change: object, code: int, words: str,
) -> None:  # fmt: skip
    """Other bytes, fewer, more, an object or the manifest gone: its own exit code and sentence, and no file left."""
    monkeypatch.setattr(download, "PIECE", 1000)
    if callable(change):
        published.put(path, change(published.files[path]))
    else:
        published.delete(path)
    refused(published, tmp_path, code, words)


def test_a_manifest_that_lists_no_files_is_refused(s3: Bucket, tmp_path: Path) -> None:
    """It is what its digest says, and still no artifact: 20, in the words of the predictor's own reading."""
    for text, words in ((b"[", "is not JSON"), (b'{"files": [{"path": "../x", "size": 1}]}', "lists no files")):
        named = digest.of_bytes(text)
        published = Published(s3, f"s3://{s3.name}/models/flower/{named}/", {})
        published.put(file_list.FILE, text)
        refused(published, tmp_path, 20, words)


@pytest.mark.parametrize("faults", [("busy", "none"), ("none", "cut", "none"), ("none", "none", "half", "none")])
def test_a_fault_of_the_line_is_asked_again(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: tuple[str, ...]
) -> None:
    """503, a closed connection and half a body cost a request, not the download."""
    line = Line(published.s3.endpoint)
    line.faults = faults
    monkeypatch.setenv("AWS_ENDPOINT_URL", line.endpoint)
    __main__.main([published.uri, str(tmp_path)])
    line.close()
    assert files_in(tmp_path) == published.files


@pytest.mark.parametrize(("fault", "code"), [("busy", 30), ("cut", 30), ("spoilt downwards", 20)])
def test_a_line_that_stays_bad_is_named(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: int
) -> None:
    """After its retries S3 counts as unavailable (30); a flipped bit is found by the hash (20)."""
    monkeypatch.setattr(bucket, "_RETRIES", 1)
    line = Line(published.s3.endpoint)
    line.faults = (fault,)
    monkeypatch.setenv("AWS_ENDPOINT_URL", line.endpoint)
    refused(published, tmp_path, code, "manifest.json")
    line.close()


def test_keys_that_may_not_read_are_named(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is no missing artifact: 30, and where to look."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    refused(published, tmp_path, 30, "cannot be read .*look at the role")


def test_a_killed_download_is_no_artifact_and_the_next_one_is(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kill -9` with one file there and the others on their way: no manifest.json, so the predictor refuses it."""
    line = Line(published.s3.endpoint)
    line.faults = ("none", "none", "none", "hang")  # the signature, the manifest, one file
    environment = os.environ | {"AWS_ENDPOINT_URL": line.endpoint}
    command = [sys.executable, "-m", "initializer", published.uri, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        until = time.monotonic() + START_SECONDS
        while line.requests < 4 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    line.close()
    assert file_list.FILE not in files_in(tmp_path)
    with pytest.raises(ModelpinError, match=r"holds no manifest.json.*its download is incomplete"):
        load.verify(tmp_path, expected_digest=published.uri.split("/")[-2])
    __main__.main([published.uri, str(tmp_path)])
    assert files_in(tmp_path) == published.files


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 2), (["s3://b/x"], 2), (["https://host/model/", "F"], 10), (["s3://bucket/models/iris/v1/", "F"], 10)],
)
def test_what_is_no_artifact_is_not_downloaded(words: list[str], code: int, tmp_path: Path) -> None:
    """Arguments that are no pairs end with 2, a URI without a digest with 10."""
    with pytest.raises(ModelpinError) as caught:
        __main__.main([str(tmp_path) if word == "F" else word for word in words])
    assert caught.value.exit_code == code


def test_certificates_of_ones_own_are_read(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_CA_BUNDLE, as KServe's webhook sets it, names a file: one that is not there ends with 10."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    refused(published, tmp_path, 10, "AWS_CA_BUNDLE=.*absent.pem cannot be read")


def test_it_imports_next_to_nothing() -> None:
    """It stands in front of every cold start: neither numpy nor boto3, nor anything of kserve."""
    script = "import sys, initializer.__main__; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    foreign = set(done.stdout.split()) - set(sys.stdlib_module_names) - {"__main__"}
    assert {name for name in foreign if not name.startswith(("_", "sitecustomize"))} <= {
        "artifact",
        "initializer",
        "obstore",
    }
