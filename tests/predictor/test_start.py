"""Starting: what does not verify never listens, and says why; what does listens until it is told to stop."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import grpc
import pytest

from artifact.attestation.signers import FILE
from artifact.manifest import BUNDLE
from local.ports import free
from tests.artifact import tampering
from tests.attestation import keys
from tests.deadlines import START_SECONDS
from tests.pipeline.commands import Fork
from tests.predictor.conftest import ROOT, Server, command, environment, forks
from tests.predictor.corpus import ROW
from tests.predictor.models import Packaged

OTHER = "sha256-" + "0" * 64


@dataclass
class Start:
    """A predictor that must not come up: its end, and whether anything listened on its ports before."""

    process: subprocess.Popen[bytes] | Fork
    ports: list[int]
    log: Path
    listened: bool = False

    def deadline(self) -> None:
        """Try the ports until the process ends."""
        while self.process.poll() is None:
            for port in self.ports:
                with socket.socket() as probe:
                    probe.settimeout(1)
                    self.listened |= probe.connect_ex(("127.0.0.1", port)) == 0
            time.sleep(0.02)


# Title → (exit code, what the last line on stderr says: the value, and what to do).
REFUSED = {
    "no model directory given": (2, "--model_dir"),
    "a port that is no number": (2, "'eighty'"),
    "no expected digest": (10, "give --expected_digest, or MODEL_URI"),
    "a malformed digest": (10, "'sha256-abc' is not a digest"),
    "MODEL_URI of another digest": (10, f"{OTHER}/ name different artifacts; give one"),
    "MODEL_URI of another model": (10, "--model_name 'iris' is not the model of MODEL_URI s3://bucket/models/rose/"),
    "MODEL_URI without its slash": (10, "with the trailing slash"),
    "MODEL_RELEASE of another model": (10, "MODEL_RELEASE 'rose-0123abcd' is not the name of a release of 'iris'"),
    "MODEL_RELEASE with a line break": (10, "expected iris-<8 hex>"),
    "a byte flipped": (20, "its manifest names"),
    "the wrong digest": (20, f"but {OTHER} was named; download that one, or name this one in Git"),
    "a command in the model": (21, "system, which is not on the list of artifact/unpickling/allowed_types.py"),
    "junk for a profile": (20, "profile.json is not JSON of an artifact"),
    "junk for a model": (21, "model.joblib is not an uncompressed joblib dump"),
    "no library named": (22, "does not say with which joblib it was made"),
    "any golden answer will do": (23, "a tolerance of 1e+09 proves nothing"),
    "another scikit-learn": (22, "made with scikit-learn 0.1, this environment has"),
    "features that are not installed": (22, "module features.calendar is not in features/ here; serve with the image"),
    "no signature": (20, "there is no manifest.json.sigstore.json, and only what key-0 signed may be loaded"),
    "a signature by another": (20, "none of those that are trusted (key-0)"),
    "a signature of another model": (20, f"is of iris {OTHER}, the artifact is iris sha256-"),
    "a signature of a changed statement": (20, "one of the two was changed; publish the artifact again"),
    "a signature cut short": (20, "manifest.json.sigstore.json is not JSON"),
    "a signature by a key that had expired": (20, "allowed to sign until 2026-11-26, and signed this on 2026-11-27"),
    "signers that cannot be read": (10, "cannot be read, so nobody is trusted"),
    "golden answers changed": (23, "label is 'setosa', 'virginica' was recorded; this model must not serve here"),
}
# By interpreters of their own: one for the exit code itself, one for modules that a fork would have imported.
ANEW = ("a byte flipped", "features that are not installed")


def begin(title: str, iris: Packaged, prices: Packaged, folder: Path) -> Start:
    """The predictor of an artifact, or of arguments, that are wrong as `title` says."""
    directory = folder / "artifact"
    shutil.copytree(prices.directory if "features" in title else iris.directory, directory)
    digest, name, env, cwd = iris.digest, "iris", {}, ROOT
    match title:
        case "a byte flipped":
            data = bytearray((directory / "model.joblib").read_bytes())
            data[100] ^= 1
            (directory / "model.joblib").write_bytes(data)
        case "the wrong digest":
            digest = OTHER
        case "a malformed digest":
            digest = "sha256-abc"
        case "a command in the model":
            digest = tampering.change_model(directory, folder / "ran")
        case "junk for a profile" | "junk for a model":
            file = "profile.json" if title.endswith("profile") else "model.joblib"
            (directory / file).write_bytes(b"\x80\x04junk")
            digest = tampering.sign(directory)
        case "no library named":
            digest = tampering.sign(directory, libraries={})
        case "any golden answer will do":
            text = (directory / "golden.json").read_text()
            (directory / "golden.json").write_text(text.replace('"tolerance": 1e-06', '"tolerance": 1e9'))
            digest = tampering.sign(directory)
        case "another scikit-learn":
            digest = tampering.sign(directory, libraries={"scikit-learn": "0.1"})
        case "golden answers changed":
            digest = tampering.change_golden(directory)
        case "features that are not installed":
            digest, name, cwd = prices.digest, "prices", folder
            for package in ("artifact", "predictor"):
                (folder / "code").mkdir(exist_ok=True)
                (folder / "code" / package).symlink_to(ROOT / package)
            cwd = folder / "code"
        case title if "sign" in title:
            env = {"PREDICTOR_SIGNERS": str(signed(title, directory, digest, folder))}
        case "MODEL_URI of another digest":
            env = {"MODEL_URI": f"s3://bucket/models/iris/{OTHER}/"}
        case "MODEL_URI of another model":
            env = {"MODEL_URI": f"s3://bucket/models/rose/{digest}/"}
        case "MODEL_URI without its slash":
            env = {"MODEL_URI": f"s3://bucket/models/iris/{digest}"}
        case "MODEL_RELEASE of another model":
            env = {"MODEL_RELEASE": "rose-0123abcd"}
        case "MODEL_RELEASE with a line break":
            env = {"MODEL_RELEASE": "iris-0123abcd\n"}
    ports = free(2)
    line = command(directory, name, "--expected_digest", digest, ports=ports)
    if title == "no expected digest":
        line = line[:-2]
    elif title == "no model directory given":
        del line[3:5]
    elif title == "a port that is no number":
        line += ["--http_port", "eighty"]
    with (folder / "log").open("wb") as log:
        if title in ANEW:
            process: subprocess.Popen[bytes] | Fork = subprocess.Popen(
                line, cwd=cwd, env=environment(**env), stdout=log, stderr=log
            )
        else:
            process = forks().start("predictor", line[3:], environment(**env), cwd, log)
    return Start(process, ports, folder / "log")


def signed(title: str, directory: Path, digest: str, folder: Path) -> Path:
    """Sign the artifact in `directory` as `title` says; the file of who may."""
    key, file = keys.new_key(), folder / "signers.json"
    file.write_text(keys.trusting(key, until=date(2026, 11, 26)).files[FILE])
    match title:
        case "no signature":
            return file
        case "signers that cannot be read":
            return folder / "nothing.json"
        case "a signature by another":
            data = keys.new_key().signs(keys.statement(digest))
        case "a signature of another model":
            data = key.signs(keys.statement(OTHER))
        case "a signature of a changed statement":
            data = key.signs(keys.statement(digest)).replace(b'"payload": "eyJ', b'"payload": "eyK')
        case "a signature by a key that had expired":
            data = key.signs(keys.statement(digest, signed_at="2026-11-27T00:00:00Z"))
        case _:
            data = key.signs(keys.statement(digest))
    (directory / BUNDLE).write_bytes(data[:-20] if title == "a signature cut short" else data)
    return file


@pytest.fixture(scope="module")
def starts(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Start]:
    """Every predictor of REFUSED, ended; they run side by side."""
    servers, watching = {}, []
    for title in REFUSED:
        servers[title] = begin(title, packaged["iris"], packaged["prices"], tmp_path_factory.mktemp("start"))
        watching.append(threading.Thread(target=servers[title].deadline))
        watching[-1].start()
    for thread in watching:
        thread.join(START_SECONDS)
    return servers


@pytest.mark.parametrize("title", REFUSED)
def test_refused(starts: dict[str, Start], title: str) -> None:
    """It exits with the code of its kind; its last line says the value and the remedy; it never listened."""
    code, says = REFUSED[title]
    start = starts[title]
    errors = start.log.read_text()
    last = errors.rstrip().splitlines()[-1]
    assert (start.process.returncode, start.listened) == (code, False), errors
    assert says in last
    assert "error: " in last
    assert "Traceback" not in errors


@pytest.fixture
def running(packaged: dict[str, Packaged], tmp_path: Path) -> Iterator[Server]:
    """A predictor of its own, pinned by MODEL_URI as gitops/ does it, of a model that is signed as is asked for."""
    model, ports = packaged["iris"], free(2)
    shutil.copytree(model.directory, tmp_path / "mounted")
    signers = signed("in time", tmp_path / "mounted", model.digest, tmp_path)
    (tmp_path / "models").symlink_to(tmp_path / "mounted")  # as kubelet mounts it
    uri = {"MODEL_URI": f"s3://bucket/models/iris/{model.digest}/", "PREDICTOR_SIGNERS": str(signers)}
    log = tmp_path / "log"
    with log.open("wb") as output:
        line = command(tmp_path / "models", "iris", ports=ports)
        process = forks().start("predictor", line[3:], environment(**uri), ROOT, output)
    server = Server(model, process, *ports, log)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def test_without_a_release(running: Server) -> None:
    """A signed model starts; without MODEL_RELEASE no answer names a release, and the metrics' label is empty."""
    answers = [running.post(running.v1, {"instances": rows}) for rows in ([ROW], [])]
    assert [answer.status for answer in answers] == [200, 400]
    for answer in answers:
        assert (answer.headers["x-model-digest"], "x-model-release" in answer.headers) == (running.model.digest, False)
    text = running.request("GET", "/metrics").body.decode()
    labels = [line for line in text.splitlines() if line.startswith(("modelpin_model_info", "modelpin_requests_total"))]
    assert len(labels) == 3
    assert all(',release=""' in line for line in labels)


def test_stops_when_told(running: Server) -> None:
    """SIGTERM lets a request that has begun finish, closes idle connections, and ends with exit code 0."""
    assert running.post(running.v1, {"instances": [ROW]}).json == {"predictions": ["setosa"]}  # stays open, idle
    grpc.channel_ready_future(running.channel).result(timeout=START_SECONDS)
    body = b'{"instances":[[5.1,3.5,1.4,0.2]]}'
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (running.v1.encode(), len(body))
    with socket.create_connection(("127.0.0.1", running.http_port), timeout=START_SECONDS) as connection:
        connection.sendall(head + body[:10])
        time.sleep(0.3)  # until the server has begun with it
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[10:])
        received = b""
        while part := connection.recv(1 << 16):
            received += part
    assert received.endswith(b'{"predictions":["setosa"]}')
    assert running.process.wait(START_SECONDS) == 0
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize(("index", "flag"), [(0, "--http_port"), (1, "--grpc_port")])
def test_a_port_that_another_process_has(packaged: dict[str, Packaged], tmp_path: Path, index: int, flag: str) -> None:
    """A port is never shared with another process, even one that would share it: 10, and which flag to change."""
    ports, log = free(2), tmp_path / "log"
    with socket.socket() as other, log.open("wb") as output:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", ports[index]))
        other.listen()
        line = command(packaged["iris"].directory, "iris", "--allow-unpinned", ports=ports)
        process = forks().start("predictor", line[3:], environment(), ROOT, output)
        assert process.wait(START_SECONDS) == 10
    last = log.read_text().splitlines()[-1]
    assert last.startswith(f"error: cannot listen on 127.0.0.1 port {ports[index]}")
    assert last.endswith(f"give another {flag}")
