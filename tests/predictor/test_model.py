"""The kserve.Model is where requests pass: each of its methods, overridden in a subclass, shows on the wire."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kserve.model_repository import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import IntegrityError
from local.ports import free
from predictor.grpc.servicer import Servicer
from predictor.health import Probes
from predictor.model import Model
from predictor.serving.lifecycle import Lifecycle
from predictor.settings import Settings, Source
from tests.predictor import forms
from tests.predictor.conftest import ROOT, Server, command, environment, start
from tests.predictor.corpus import NAMES, ROW
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged
from tests.predictor.test_limits import metric

FORMS = (
    forms.v1_lists, forms.v1_objects, forms.event, forms.wide_flat, forms.by_feature, forms.binary, forms.grpc_raw,
    forms.grpc_typed,
)  # fmt: skip
LONG = 1000  # rows, which are read off the event loop


@pytest.fixture(scope="module", params=["preprocess", "predict", "postprocess"])
def overridden(
    request: pytest.FixtureRequest, packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """Predictors of iris with one method overridden, by whether the fast path is on."""
    running: dict[str, Server] = {}
    for path in ("on", "off"):
        log = tmp_path_factory.mktemp("overridden") / "log"
        running[path] = start(
            packaged["iris"], log, "tests.predictor.overriding", request.param, PREDICTOR_FAST_PATH=path
        )
    for server in running.values():
        server.wait()
    yield running
    assert {server.stop() for server in running.values()} == {0}


@pytest.mark.parametrize("path", ["on", "off"])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("rows", [1, LONG])
def test_what_a_subclass_overrides_shows_on_the_wire(
    overridden: dict[str, Server], path: str, form: forms.Form, rows: int
) -> None:
    """Each protocol answers with the label of the overridden method, short or long, with the fast path or without."""
    columns = {name: [value] * rows for name, value in zip(NAMES, ROW, strict=True)}
    before = metric(overridden[path], 'modelpin_fast_requests_total{protocol="v1"}')
    assert form(overridden[path], columns)["label"] == ["virginica"] * rows
    fast = metric(overridden[path], 'modelpin_fast_requests_total{protocol="v1"}') - before
    if form is forms.v1_lists and rows == 1:
        assert fast == (path == "on")


@pytest.mark.story
def test_the_example_of_the_page_serves(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """The program of docs/api.md runs as it stands, with the predictor's flags, and rounds what it answers."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.S)
    program, ports = tmp_path / "rounding.py", free(2)
    program.write_text(code)
    model = packaged["iris"]
    line = command(model.directory, model.name, "--expected_digest", model.digest, ports=ports)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, program, *line[3:]], env=environment(PYTHONPATH=str(ROOT)), stdout=log, stderr=log
        )
    server = Server(model, process, *ports, tmp_path / "log")
    server.wait()
    answer = server.post(server.v1, {"instances": [ROW], "probabilities": True})
    assert server.stop() == 0
    (chances,) = answer.json["probabilities"]
    assert chances == [round(chance, 2) for chance in chances]
    assert sum(chances) == pytest.approx(1, abs=0.02)


def test_load_verifies(packaged: dict[str, Packaged]) -> None:
    """`load` is what verifies: before it the model is not ready, and another digest than the named one never is."""
    artifact = packaged["iris"]
    model = Model(artifact.source)
    assert not model.ready
    assert model.load()
    assert model.ready
    other = Model(Source(artifact.directory, artifact.name, "sha256-" + "0" * 64, allow_unpinned=False))
    with pytest.raises(IntegrityError):
        other.load()
    assert not other.ready


def test_metadata_is_made_once(packaged: dict[str, Packaged], monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata of a model is made when the predictor starts; a request for it, by REST or gRPC, makes nothing."""
    lifecycle = Lifecycle(loaded(packaged["iris"]), Settings())
    probes, servicer = Probes(lifecycle), Servicer(DataPlane(ModelRepository()), None, lifecycle)
    monkeypatch.setattr(Model, "metadata", lambda self: pytest.fail("made again"))
    monkeypatch.setattr(Model, "get_input_types", lambda self: pytest.fail("made again"))
    answer = probes.answer("/v2/models/iris")
    assert answer is not None
    assert [feature["name"] for feature in json.loads(answer[0])["inputs"]] == list(NAMES)
    metadata = asyncio.run(servicer.ModelMetadata(pb.ModelMetadataRequest(name="iris"), None))
    assert [feature.name for feature in metadata.inputs] == list(NAMES)
