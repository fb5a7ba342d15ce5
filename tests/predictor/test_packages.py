"""What the image installs and what serving imports: requirements/serving.excludes, and predictor/kserve_import.py."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import venv
from local.ports import free
from predictor.kserve_import import DEFERRED
from tests.deadlines import START_SECONDS
from tests.predictor import forms
from tests.predictor.conftest import Server, command, environment
from tests.predictor.corpus import ROW
from tests.predictor.models import Packaged
from tests.predictor.test_converted import converted
from tests.predictor.test_protocols import same, unpickled

ROOT = Path(__file__).parents[2]
EXCLUDED = [
    line.partition("  #")[0]
    for line in (ROOT / "requirements/serving.excludes").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter with the packages of the image, and no others."""
    return venv.path("serving", print) / "bin/python"


@pytest.fixture(scope="module")
def server(python: Path, packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor there, of the model that has every kind of column."""
    model, ports, log = packaged["people"], free(2), tmp_path_factory.mktemp("packages") / "log"
    line = command(model.directory, model.name, "--expected_digest", model.digest, ports=ports)
    env = environment(MODEL_RELEASE=model.release)
    with log.open("wb") as output:
        process = subprocess.Popen([str(python), *line[1:]], cwd=ROOT, env=env, stdout=output, stderr=output)
    running = Server(model, process, *ports, log)
    running.wait()
    yield running
    assert running.stop() == 0


def test_what_is_left_out_is_not_locked_and_has_its_reason() -> None:
    """Each name of serving.excludes: not in serving.txt, asked for by kserve's or uvicorn's own lock, with a reason."""
    lines = (ROOT / "requirements/serving.excludes").read_text().splitlines()
    assert all(re.fullmatch(r"#.*|[a-z0-9-]+  # \w+.*", line) for line in lines)
    serving, everything = ((ROOT / f"requirements/{role}.txt").read_text() for role in ("serving", "dev"))
    assert [name for name in EXCLUDED if f"\n{name}==" in serving] == []
    assert [name for name in EXCLUDED if f"\n{name}==" not in everything] == []


@pytest.mark.story
def test_every_protocol_is_served_without_them(server: Server) -> None:
    """v1, v2 and gRPC in every form, with the packages of the image alone: the bits that the Pipeline gives offline."""
    model, rows = unpickled(server), server.model.rows
    for form in forms.ANY:
        same(form(server, rows), forms.offline(server, model, rows))
    for path in ("/metrics", "/docs", "/openapi.json", "/v2", "/v2/models", "/v2/health/ready"):
        assert server.request("GET", path).status == 200, path
    assert server.post(server.v1, {"instances": "no rows"}).status == 400
    assert server.request("GET", "/nowhere").status == 404
    assert "Traceback" not in server.log.read_text()


# Asks for a row as soon as the predictor listens, reports what the start did.
FIRST_ANSWER = """\
import gc, importlib, json, os, sys, threading, time, urllib.request
collected = []
gc.callbacks.append(lambda phase, info: collected.append(info["generation"]))
from predictor import __main__

def ask(url, body):
    while True:
        try:
            return urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"}))
        except OSError:
            time.sleep(0.02)

def watch(url, body):
    before = list(collected)
    assert ask(url, body).status == 200
    imported, started = [*sys.modules], collected[len(before):]
    report = {"imported": imported, "collections": started, "collects": gc.isenabled(), "frozen": gc.get_freeze_count()}
    report["v1"] = importlib.import_module("pydantic.v1").BaseModel.__name__
    print("report", json.dumps(report), flush=True)
    os._exit(0)

url, body = sys.argv[1:3]
del sys.argv[1:3]
gc.disable()
threading.Thread(target=watch, args=(url, body.encode()), daemon=True).start()
gc.enable()
__main__.main()
"""


def test_the_first_answer_comes_without_what_waits(python: Path, packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """Until the first answer nothing that waits is imported, and nothing is searched for garbage; then both happen."""
    model, ports = converted(packaged["iris"], tmp_path / "artifact"), free(2)
    line = command(model.directory, model.name, "--expected_digest", model.digest, ports=ports)[3:]
    request = [f"http://127.0.0.1:{ports[0]}/v1/models/{model.name}:predict", json.dumps({"instances": [ROW]})]
    done = subprocess.run(
        [python, "-c", FIRST_ANSWER, *request, *line],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert "report " in done.stdout, done.stderr
    report = json.loads(done.stdout.partition("report ")[2].splitlines()[0])
    imported = set(report["imported"])
    waiting = {*DEFERRED, "kubernetes", "sklearn", "scipy", "click", "uvicorn.main", "pydantic.v1"}
    assert imported & waiting == set()
    assert {"kserve.model_server", "fastapi", "grpc", "onnxruntime"} <= imported
    assert report["collections"] == []
    assert report["collects"]
    assert report["frozen"] > 100_000
    assert report["v1"] == "BaseModel"
