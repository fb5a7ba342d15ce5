"""What a predictor says about its requests: ids in and out, a line each, and the numbers of /metrics."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from prometheus_client.parser import text_string_to_metric_families

from predictor.observe.request_log import JsonFormatter, RequestLog
from predictor.serving.steps import begin
from tests.deadlines import ANSWER_SECONDS
from tests.predictor.conftest import Server, start
from tests.predictor.corpus import PERSON
from tests.predictor.models import Packaged

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def server(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor that nothing was asked of."""
    server = start(packaged["people"], tmp_path_factory.mktemp("seen") / "log")
    server.wait()
    yield server
    server.stop()


def samples(server: Server) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample of /metrics that is ours: (name, label values in the order of their names) → value."""
    text = server.request("GET", "/metrics").body.decode()
    return {
        (
            sample.name.removeprefix("modelpin_"),
            tuple(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        if family.name.startswith("modelpin_")
        for sample in family.samples
    }


def lines(server: Server, request_id: str) -> list[dict[str, Any]]:
    """The lines of a request in the log."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        lines = [line for line in server.log.read_text().splitlines() if f'"request_id":"{request_id}"' in line]
        if lines or time.monotonic() > deadline:
            return [json.loads(line) for line in lines]
        time.sleep(0.02)


def test_a_request_from_outside(server: Server) -> None:
    """A v1, a wrong v2 and a gRPC request show in ids, log lines and numbers; their values do not."""
    digest, release = server.model.digest, server.model.release
    before = samples(server)
    rows = [{**PERSON, "größe (cm)": 987.654321}, {**PERSON, "city": "Atlantis"}, {**PERSON, "smoker": None}]
    named = {"x-request-id": "good-1", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = server.post(server.v1, {"instances": rows}, named)
    assert (answer.status, answer.headers["x-request-id"]) == (200, "good-1")
    wrong = server.post(server.v2, {"inputs": "secret-value"}, {"x-request-id": 'a"b', "traceparent": "00-x"})
    request_id = wrong.headers["x-request-id"]
    assert (wrong.status, bool(re.fullmatch("[0-9a-f]{32}", request_id))) == (400, True)
    _, call = server.stub.ModelInfer.with_call(_raw(server), metadata=(("x-request-id", "good-2"),))
    assert dict(call.trailing_metadata())["x-request-id"] == "good-2"

    (line,) = lines(server, "good-1")
    durations = {key: line.pop(key) for key in ("time", "queue_ms", "parse_ms", "predict_ms", "respond_ms")}
    assert all(value for key, value in durations.items() if key != "queue_ms")
    assert line == {
        "level": "info",
        "logger": "predictor.requests",
        "event": "request",
        "protocol": "v1",
        "code": "200",
        "model": "people",
        "digest": digest,
        "request_id": "good-1",
        "rows": 3,
        "received_bytes": line["received_bytes"],
        "sent_bytes": len(answer.body),
        "trace_id": TRACE,
        "parent_id": PARENT,
        "trace_flags": "01",
    }
    assert line["received_bytes"] > 200
    (line,) = lines(server, request_id)
    assert (line["code"], line["reason"], "trace_id" in line) == ("400", "invalid", False)
    assert [(line["protocol"], line["code"]) for line in lines(server, "good-2")] == [("grpc", "OK")]
    log = [line for line in server.log.read_text().splitlines() if '"message":"serving"' not in line]
    assert log
    assert not [text for text in ("987.65", "Atlantis", "secret-value", "Bonn", "POST /v") if text in "".join(log)]

    after = samples(server)
    changed = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    counts = {key: value for key, value in changed.items() if not key[0].startswith(("stage_", "request_", "start_"))}
    families = ("input_bin", "predictions", "confidence")
    assert {key: value for key, value in counts.items() if not key[0].startswith(families)} == {
        ("requests_total", ("200", digest, "v1", release)): 1,
        ("requests_total", ("400", digest, "v2", release)): 1,
        ("requests_total", ("OK", digest, "grpc", release)): 1,
        ("fast_requests_total", ("v1",)): 1,
        ("fast_requests_total", ("grpc",)): 1,
        ("rejects_total", ("invalid",)): 1,
        ("rows_total", ("v1",)): 3,
        ("rows_total", ("grpc",)): 1,
        ("input_missing_total", ("smoker",)): 1,
        ("input_out_of_range_total", ("größe (cm)",)): 1,
        ("input_unseen_total", ("city",)): 1,
    }
    assert {key[1] for key in changed if key[0] == "stage_seconds_count"} >= {
        ("v1", stage) for stage in ("queue", "parse", "predict", "respond")
    }
    for feature, present in (("rooms", 4), ("smoker", 3), ("größe (cm)", 4)):
        binned = sum(value for key, value in counts.items() if key[0] == "input_bin_total" and feature in key[1])
        assert (feature, binned) == (feature, present)
    for family in ("predictions_total", "confidence_total"):
        assert (family, sum(value for key, value in counts.items() if key[0] == family)) == (family, 4)


def _raw(server: Server) -> pb.ModelInferRequest:
    tensors: dict[str, tuple[str, dict[str, Any]]] = {
        "größe (cm)": ("FP64", {"fp64_contents": [170.5]}),
        "rooms": ("INT64", {"int64_contents": [3]}),
        "smoker": ("BOOL", {"bool_contents": [True]}),
        "city": ("BYTES", {"bytes_contents": [b"Bonn"]}),
        "grade": ("BYTES", {"bytes_contents": [b"a"]}),
    }
    request = pb.ModelInferRequest(model_name=server.model.name)
    for name, (datatype, contents) in tensors.items():
        request.inputs.add(name=name, datatype=datatype, shape=[1], contents=pb.InferTensorContents(**contents))
    return request


def test_information(server: Server) -> None:
    """/metrics says what serves and what is served, and how training's values were distributed."""
    values = samples(server)
    model = server.model
    assert values["model_info", (model.digest, "sklearn", "people", model.release, "classification")] == 1
    assert values["ready", ()] == 1
    profile = json.loads((server.model.directory / "profile.json").read_text())
    for feature, reference in profile["features"].items():
        total = sum(value for key, value in values.items() if key[0] == "reference_input_bin" and feature in key[1])
        assert total == profile["rows"] - reference["missing"]


def test_sampling() -> None:
    """The share of requests that get a line is even; our own faults always get one."""
    lines: list[bytes] = []
    request_log = RequestLog("m", "d", 0.25, lines.append)
    for _ in range(100):
        request_log.write(begin("v1", None, None))
    assert len(lines) == 25
    fault = begin("v1", None, None)
    fault.reason = "internal"
    RequestLog("m", "d", 0, lines.append).write(fault)
    assert [json.loads(line)["level"] for line in lines[24:]] == ["info", "error"]


def test_no_line_can_be_forged() -> None:
    """Whatever is logged is one line of JSON."""
    record = logging.LogRecord("predictor", logging.ERROR, "", 0, 'a\n{"event":"request"}\x1b[31m\ud800', None, None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["logger"] == "predictor"


def test_one_line_a_request(server: Server) -> None:
    """Our lines are JSON each; nothing else is written for an infer request."""
    size = len(server.log.read_text())
    assert server.post(server.v1, {"instances": [PERSON]}, {"x-request-id": "one"}).status == 200
    assert len(lines(server, "one")) == 1
    assert [json.loads(line)["request_id"] for line in server.log.read_text()[size:].splitlines()] == ["one"]


def test_no_line_is_lost_at_the_end(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """Every request that was answered before SIGTERM, up to the last moment, has its line."""
    server = start(packaged["iris"], tmp_path / "log", PREDICTOR_DRAIN_SECONDS="0")
    server.wait()
    for number in range(40):
        assert (
            server.post(server.v1, {"instances": [[5.1, 3.5, 1.4, 0.2]]}, {"x-request-id": f"n{number}"}).status == 200
        )
    assert server.stop() == 0
    lines = map(json.loads, _ours(server.log.read_text()))
    logged = [line.get("request_id") for line in lines if line.get("message") != "serving"]
    assert logged == [f"n{number}" for number in range(40)]


def _ours(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("{")]


def test_requests_that_are_no_users_are_counted_apart(server: Server) -> None:
    """With a purpose that is known a request shows in its own counter alone: not in times, inputs or predictions."""
    digest, release = server.model.digest, server.model.release
    before = samples(server)
    assert server.post(server.v1, {"instances": [PERSON]}, {"x-modelpin-purpose": "proof"}).status == 200
    assert server.post(server.v2, {"inputs": []}, {"x-modelpin-purpose": "shadow"}).status == 400
    server.stub.ModelInfer(_raw(server), metadata=(("x-modelpin-purpose", "golden"),))
    after = samples(server)
    ignored = ("process_", "python_", "start_seconds")
    changed = {
        key: value - before.get(key, 0)
        for key, value in after.items()
        if value != before.get(key, 0) and not key[0].startswith(ignored)
    }
    assert changed == {
        ("apart_requests_total", ("200", digest, "v1", "proof", release)): 1,
        ("apart_requests_total", ("400", digest, "v2", "shadow", release)): 1,
        ("apart_requests_total", ("OK", digest, "grpc", "golden", release)): 1,
    }
    assert server.post(server.v1, {"instances": [PERSON]}, {"x-modelpin-purpose": "mine"}).status == 200
    assert samples(server)["requests_total", ("200", digest, "v1", release)] == 1 + after.get(
        ("requests_total", ("200", digest, "v1", release)), 0
    )


def test_whole_requests_and_the_start_have_times(server: Server) -> None:
    """Each answered request is in one bucket, edges near a fraction of a millisecond; the start has all its phases."""
    digest, release = server.model.digest, server.model.release
    key = ("request_seconds_count", (digest, "v1", release))
    before = samples(server).get(key, 0)
    server.post(server.v1, {"instances": [PERSON]})
    server.post(server.v1, {"instances": "none"})
    values = samples(server)
    assert values[key] == before + 1
    edges = [float(labels[1]) for name, labels in values if name == "request_seconds_bucket" and labels[2] == "v1"]
    assert len([edge for edge in edges if 1e-4 <= edge <= 1e-3]) >= 6
    phases = {labels[1]: value for (name, labels), value in values.items() if name == "start_seconds"}
    assert set(phases) == {"download", "import", "verify", "load", "first_answer"}
    assert phases["first_answer"] > phases["import"] + phases["verify"] + phases["load"] > 0
