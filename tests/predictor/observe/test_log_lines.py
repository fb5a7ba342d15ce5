"""gitops/monitoring/logs/rsyslog.conf, run by a real rsyslog on a real predictor's lines, as the kubelet keeps them."""

import json
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.ports import LOOPBACK, free
from tests.deadlines import ANSWER_SECONDS
from tests.predictor.conftest import start
from tests.predictor.models import Packaged

CONFIG = Path(__file__).parents[3] / "gitops/monitoring/logs/rsyslog.conf"
MODULE = "omelasticsearch.so"
NAME = "iris-3f9c1a7e-predictor-00001-deployment-5d-x_iris-production_kserve-container-0123.log"


def program() -> str:
    """rsyslogd with its module; the test is skipped with one line otherwise."""
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None or not list(Path("/usr/lib").glob(f"**/rsyslog/{MODULE}")):
        pytest.skip("runs rsyslog: Debian's packages rsyslog and rsyslog-elasticsearch")
    return program


class Bulk(ThreadingHTTPServer):
    """An Elasticsearch as far as `_bulk` goes, at `port`."""

    def __init__(self, port: int) -> None:
        self.documents: list[tuple[str, dict[str, object]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, {"cluster_name": "played"})

            do_HEAD = do_GET

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
                pairs = list(zip(map(json.loads, body[::2]), map(json.loads, body[1::2]), strict=True))
                outer.documents += [(action["index"]["_index"], document) for action, document in pairs]
                self._answer(200, {"errors": False, "items": [{"index": {"status": 201}}] * len(pairs)})

            def _answer(self, status: int, value: object) -> None:
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content if self.command != "HEAD" else b"")

            def log_message(self, *_: object) -> None:
                pass

        super().__init__((LOOPBACK, port), Handler)


def lines(packaged: dict[str, Packaged], log: Path) -> list[str]:
    """What a predictor says of its start, of an answer, and of a refusal."""
    server = start(packaged["iris"], log)
    try:
        server.wait()
        row = {name: values[0] for name, values in packaged["iris"].rows.items()}
        assert server.post(server.v1, {"instances": [row]}, {"x-request-id": "mine"}).status == 200
        assert server.post(server.v1, {"instances": [{"no": 1}]}, {"x-request-id": "theirs"}).status == 400
    finally:
        assert server.stop() == 0
    return [line for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.mark.story
def test_lines_of_the_predictor_become_documents(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """Each JSON line, with pod and namespace, in the index of its namespace; other text and torn lines are left out.

    Nothing listens at first: the lines wait.
    """
    rsyslog, (port,) = program(), free(1)
    logged = lines(packaged, tmp_path / "log")
    (tmp_path / "containers").mkdir()
    (tmp_path / "work").mkdir()
    text = CONFIG.read_text().replace("/var/log/containers", str(tmp_path / "containers"))
    (tmp_path / "rsyslog.conf").write_text(text.replace("/var/lib/rsyslog", str(tmp_path / "work")))
    environment = {"ELASTICSEARCH": f"http://{LOOPBACK}:{port}", "PATH": "/usr/bin:/bin"}
    command = [rsyslog, "-f", str(tmp_path / "rsyslog.conf")]
    checked = subprocess.run([*command, "-N1"], env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    problems = [line for line in checked.stderr.splitlines() if "version" not in line and "End of config" not in line]
    assert problems == []
    stored = [*(f"stdout F {line}" for line in logged), "stderr F not JSON", 'stdout P {"torn', "stdout F {broken"]
    stamp = "2026-11-26T10:00:00.000000001Z"
    (tmp_path / "containers" / NAME).write_text("".join(f"{stamp} {line}\n" for line in stored))
    words = [*command, "-n", "-i", str(tmp_path / "pid")]
    with (tmp_path / "said").open("wb") as output, subprocess.Popen(words, env=environment, stderr=output) as running:
        server = None
        try:
            away = tmp_path / "said"
            deadline = time.monotonic() + ANSWER_SECONDS
            while "suspending" not in away.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            server = Bulk(port)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            while len(server.documents) < len(logged):
                assert time.monotonic() < deadline, len(server.documents)
                assert running.poll() is None
                time.sleep(0.1)
        finally:
            running.terminate()
            if server is not None:
                server.shutdown()
                server.server_close()
    assert server is not None
    assert {index for index, _ in server.documents} == {"modelpin-iris-production"}
    pod = {"pod": NAME.partition("_")[0], "namespace": "iris-production"}
    assert [document for _, document in server.documents] == [{**json.loads(line), **pod} for line in logged]
    assert {"mine", "theirs"} <= {document.get("request_id") for _, document in server.documents}
