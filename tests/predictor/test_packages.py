"""What the image installs and what serving imports: requirements/serving.excludes, and predictor/kserve_import.py."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import venv
from local.ports import free
from predictor.kserve_import import DEFERRED
from tests.predictor import forms
from tests.predictor.conftest import Server, command, environment
from tests.predictor.models import Packaged
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


def test_what_waits_is_not_imported_at_the_start(python: Path) -> None:
    """Neither the modules that kserve_import defers, nor a client of Kubernetes."""
    script = """\
import sys
from predictor import kserve_import
with kserve_import.kserve():
    import predictor.model, predictor.server
print(*sys.modules)
"""
    done = subprocess.run([python, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert imported & {*DEFERRED, "kubernetes", "sklearn", "scipy", "onnxruntime"} == set()
    assert {"kserve.model_server", "fastapi", "grpc"} <= imported
