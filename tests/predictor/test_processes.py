"""Two workers behind the same ports: one predictor for whoever asks, and one end for both."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily

from local.ports import free
from predictor.observe.metric_families import merge
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.predictor.conftest import ROOT, Server, command, environment, start_anew
from tests.predictor.corpus import ROW
from tests.predictor.load import BODY, Load
from tests.predictor.models import Packaged
from tests.predictor.test_drain import Calls

TWO = {"PREDICTOR_WORKERS": "2", "PREDICTOR_DRAIN_SECONDS": "1", "PREDICTOR_GRACE_SECONDS": "10"}


def scrape(server: Server) -> str:
    """/metrics on a connection of its own: either worker may answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWER_SECONDS)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def total(text: str, name: str) -> float:
    """The sum of all samples of this name."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """The worker processes, once there are two."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if len(found) == 2:
            return list(map(int, found))
        time.sleep(0.01)
    raise AssertionError("two workers never came up")


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    return sum(os.readlink(one).startswith("socket:") for one in Path(f"/proc/{pid}/fd").iterdir())


def gone(pids: list[int]) -> bool:
    """Whether these processes end soon; one that is dead and not buried has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        states = [Path(f"/proc/{pid}/stat") for pid in pids]
        if not any(path.exists() and path.read_text().rpartition(")")[2].split()[0] not in "ZX" for path in states):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def server(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor of two workers that both serve."""
    made = start_anew(packaged["iris"], tmp_path_factory.mktemp("workers") / "log", **TWO)
    made.wait()
    deadline = time.monotonic() + START_SECONDS
    while total(scrape(made), "modelpin_workers") < 2:
        assert time.monotonic() < deadline, made.log.read_text()
        time.sleep(0.1)
    yield made
    made.stop()


def test_counts(server: Server) -> None:
    """Whichever worker is scraped, its counts are those of both, exactly; and both have been at work."""
    before, workers = scrape(server), children(server.process)
    unused = list(map(sockets, workers))
    connections = [http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWER_SECONDS) for _ in range(30)]
    for number, connection in enumerate(connections):
        for _ in range(5):
            connection.request("POST", server.v1, BODY if number else b"{}", {"content-type": "application/json"})
            connection.getresponse().read()
    assert all(now > then for now, then in zip(map(sockets, workers), unused, strict=True))
    for connection in connections:
        connection.close()
    asked = pb.ModelInferRequest(model_name="iris")
    asked.inputs.add(name="input-0", datatype="FP64", shape=[1, 4], contents=pb.InferTensorContents(fp64_contents=ROW))
    for _ in range(10):
        options = [("grpc.use_local_subchannel_pool", 1)]  # or they would share one connection
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options) as channel:
            for _ in range(5):
                GRPCInferenceServiceStub(channel).ModelInfer(asked, timeout=ANSWER_SECONDS)
    for text in (scrape(server) for _ in range(8)):
        counted = {
            name: total(text, name) - total(before, name)
            for name in (
                r"modelpin_requests_total",
                r"modelpin_rejects_total",
                r"modelpin_rows_total",
                r"modelpin_predictions_total",
                r"modelpin_stage_seconds_count",
            )
        }
        assert counted == {
            "modelpin_requests_total": 200,
            "modelpin_rejects_total": 5,
            "modelpin_rows_total": 195,
            "modelpin_predictions_total": 195,
            "modelpin_stage_seconds_count": 195 * 4 + 5,
        }
        for family in ("modelpin_model_info", r"modelpin_requests_total"):
            of_release = f'{family}{{[^}}]*release="{server.model.release}"[^}}]*}}'
            assert re.findall(of_release, text) == re.findall(rf"{family}{{[^}}]*}}", text) != []
        assert (total(text, "modelpin_ready"), total(text, "modelpin_workers")) == (1, 2)
        assert total(text, "modelpin_reference_predictions") == total(before, "modelpin_reference_predictions")


def test_ready(server: Server) -> None:
    """Each worker is ready: it listens no sooner."""
    for _ in range(10):
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWER_SECONDS)
        connection.request("GET", "/v2/health/ready")
        assert connection.getresponse().status == 200
        connection.close()


def test_drain_under_load(server: Server) -> None:
    """SIGTERM to the parent drains both; open-loop keep-alive clients get answers or a refused connection, no error."""
    calls = Calls(server)
    calls.start()
    workers = children(server.process)
    with Load(server, connections=16, interval=0.02) as load:
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(START_SECONDS)
        time.sleep(0.1)
    calls.stopped.set()
    calls.join()
    assert code == 0
    assert set(load.answers) == {"200"}, load.answers
    assert load.answers["200"] > 0
    assert set(calls.codes) == {"OK", "refused"}, calls.codes
    assert gone(workers)
    assert "Traceback" not in server.log.read_text()


def test_one_dies(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """When a worker is killed the others end too, and the last line and the exit code say so."""
    made = start_anew(packaged["iris"], tmp_path / "log", **TWO)
    workers = children(made.process)
    os.kill(workers[0], signal.SIGKILL)
    assert made.process.wait(START_SECONDS) == 1
    assert gone(workers)
    last = made.log.read_text().splitlines()[-1]
    assert last.startswith(f"error: worker process {workers[0]} ended by SIGKILL, and all others with it; start")


def test_no_orphans(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """When the parent is killed its workers end, even while they still load."""
    made = start_anew(packaged["iris"], tmp_path / "log", **TWO)
    workers = children(made.process)
    made.process.kill()
    made.process.wait(START_SECONDS)
    assert gone(workers)


def test_told_while_loading(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """SIGTERM before anything is ready ends all of them, with 0."""
    made = start_anew(packaged["iris"], tmp_path / "log", **TWO)
    workers = children(made.process)
    made.process.send_signal(signal.SIGTERM)
    assert made.process.wait(START_SECONDS) == 0
    assert gone(workers)


def test_refused_artifact(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """An artifact that does not verify ends all workers with the exit code, and the last line, that one alone has."""
    directory = tmp_path / "artifact"
    shutil.copytree(packaged["iris"].directory, directory)
    data = bytearray((directory / "model.joblib").read_bytes())
    data[100] ^= 1
    (directory / "model.joblib").write_bytes(data)
    line = command(directory, "iris", "--expected_digest", packaged["iris"].digest, "--workers", "2")
    ended = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=START_SECONDS)
    assert (ended.returncode, ended.stdout) == (20, "")
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "its manifest names" in last


@pytest.mark.parametrize(("taken", "flag"), [(0, "--http_port"), (1, "--grpc_port")])
def test_port_of_another(packaged: dict[str, Packaged], taken: int, flag: str) -> None:
    """A port that another process has is refused before a worker starts, although workers share theirs."""
    ports = free(2)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", ports[taken]))
        other.listen()
        line = command(packaged["iris"].directory, "iris", "--allow-unpinned", "--workers", "2", ports=ports)
        ended = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=START_SECONDS)
    assert (ended.returncode, f"port {ports[taken]}" in ended.stderr, flag in ended.stderr) == (10, True, True)


def test_merge() -> None:
    """Counters, histograms and amounts add up; what each worker says alike, or only together, is said once."""

    def families(count: int, ready: float) -> list[object]:
        requests = CounterMetricFamily("modelpin_requests", "", labels=["code"], created=100.0 + count)
        requests.add_metric(["200"], count)
        requests.add_metric([str(count)], 1)
        latency = HistogramMetricFamily("seconds", "")
        latency.add_metric([], [("0.1", count), ("+Inf", count + 1)], 0.5)
        return [
            requests,
            latency,
            GaugeMetricFamily("modelpin_in_flight", "", count),
            GaugeMetricFamily("modelpin_ready", "", ready),
            GaugeMetricFamily("modelpin_reference_predictions", "", 50),
            InfoMetricFamily("modelpin_model", "", {"digest": "d"}),
        ]

    merged = merge([families(3, 1), families(4, 0)])  # type: ignore[list-item]
    samples = {(sample.name, *sample.labels.values()): sample.value for family in merged for sample in family.samples}
    assert samples == {
        ("modelpin_requests_total", "200"): 7,
        ("modelpin_requests_total", "3"): 1,
        ("modelpin_requests_total", "4"): 1,
        ("seconds_bucket", "0.1"): 7,
        ("seconds_bucket", "+Inf"): 9,
        ("seconds_count",): 9,
        ("seconds_sum",): 1.0,
        ("modelpin_in_flight",): 7,
        ("modelpin_ready",): 0,
        ("modelpin_reference_predictions",): 50,
        ("modelpin_model_info", "d"): 1,
    }
