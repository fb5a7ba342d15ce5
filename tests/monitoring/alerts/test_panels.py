"""The dashboard against a real Prometheus that scrapes a real predictor."""

import html
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from artifact.errors import ConfigurationError
from local import prometheus
from monitoring import board
from monitoring.prometheus import Grid, Prometheus
from monitoring.rules.panels import PANELS
from tests.deadlines import START_SECONDS
from tests.predictor.conftest import start
from tests.predictor.models import iris

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "gitops/monitoring"
NAMESPACE = "iris-production"


class Queue(BaseHTTPRequestHandler):
    """What queue-proxy would count beside the predictor; Knative is not here."""

    began = time.monotonic()

    def do_GET(self) -> None:
        """Its counter, a request in ten failed."""
        count = int((time.monotonic() - self.began) * 100)
        name = "http_server_request_duration_seconds_count"
        body = "".join(
            f'{name}{{http_response_status_code="{code}"}} {n}\n' for code, n in (("200", 9 * count), ("503", count))
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that has scraped a predictor while it was asked good, bad and odd things."""
    folder = tmp_path_factory.mktemp("panels")
    rules = folder / "rules.yml"
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text())["spec"]["groups"]
    rules.write_text(yaml.safe_dump({"groups": groups}))
    try:
        server = prometheus.Prometheus(folder / "prometheus", rules=rules)
    except ConfigurationError as error:
        pytest.skip(str(error))
    queue = ThreadingHTTPServer(("127.0.0.1", 0), Queue)
    threading.Thread(target=queue.serve_forever, args=(0.01,), daemon=True).start()
    with server:
        model = iris(folder / "iris")
        predictor = start(model, folder / "predictor.log")
        try:
            predictor.wait()
            labels = {"namespace": NAMESPACE, "release": model.release, "pod": "iris-0123abcd-predictor-1"}
            server.target(f"127.0.0.1:{predictor.http_port}", labels)
            server.target(f"127.0.0.1:{queue.server_port}", labels)
            names = list(model.rows)
            rows = [list(row) for row in zip(*model.rows.values(), strict=True)]
            end = time.monotonic() + START_SECONDS
            requests = Prometheus(server.url)
            while time.monotonic() < end:
                for row in rows[:5]:
                    predictor.post(predictor.v1, {"instances": [dict(zip(names, row, strict=True))]})
                far = dict.fromkeys(names, 99.0)
                predictor.post(predictor.v1, {"instances": [far]})
                predictor.post(predictor.v1, {"instances": [{"no": 1}]})
                predictor.post(predictor.v1, {"instances": [far]}, {"x-modelpin-purpose": "shadow"})
                now = time.time()
                shares = requests.range("modelpin:slow:share3d", Grid(now - 30, 1, 31))
                if shares and (shares[0].values == shares[0].values).sum() > 3:
                    break
                time.sleep(0.3)
            yield server.url
        finally:
            predictor.stop()
            queue.shutdown()


@pytest.mark.story
def test_every_panel_has_series_that_the_predictor_emitted(scraped: str, tmp_path: Path) -> None:
    """No query of the dashboard is misspelt: each finds series, and each legend its labels; the page draws all."""
    now = time.time()
    grid = Grid(now - 60, 1, 61)
    for panel in PANELS:
        for query, legend in panel.of(NAMESPACE):
            results = [item for item in Prometheus(scraped).range(query, grid) if (item.values == item.values).any()]
            # No value of this model can be missing or unseen.
            if "input_missing" in query or "input_unseen" in query:
                continue
            assert results, f"{panel.title}: {query}"
            for label in set(re.findall(r"\{\{(\w+)\}\}", legend)):
                assert all(item.labels.get(label) for item in results), (panel.title, label)
    board.main(
        ["--prometheus", scraped, "--namespace", NAMESPACE, "--hours", "0.02", "--page", str(tmp_path / "page.html")]
    )
    page = (tmp_path / "page.html").read_text()
    assert all(html.escape(panel.title) in page for panel in PANELS)
    assert page.count("No series.") == 0


def test_the_dashboard_has_the_panels_and_no_other_query() -> None:
    """Grafana draws what the local page draws."""
    document = json.loads((FOLDER / "dashboard.json").read_text())
    drawn = {
        panel["title"]: tuple((target["expr"], target["legendFormat"]) for target in panel["targets"])
        for panel in document["panels"]
        if panel["type"] == "timeseries"
    }
    assert drawn == {panel.title: panel.queries for panel in PANELS}
