"""Drift and calibration of a predictor that runs, from its counters to the page in a browser."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local import ports
from local.process import Process
from local.prometheus import Prometheus, program
from local.serving import Predictor
from local.traffic import Traffic
from release import clock
from release.gitops import record
from release.gitops.record import Record
from release.gitops.release import Release
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.predictor import models
from tests.predictor.models import Packaged
from tests.release.conftest import ROOT, Repository, commit
from tests.release.page import browser
from tests.release.page.browser import PICTURES, Browser
from tests.release.page.conftest import SECOND

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(browser.PROGRAM is None, reason="there is no chromium: apt-get install chromium"),
]
SHIFT = 2.0  # cm that every length is longer than in training
WINDOW, LEAST = 4, 200  # seconds and rows, in place of a week and 2,000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """A classifier with a calibrated reference."""
    return models.iris(tmp_path_factory.mktemp("model") / "artifact")


@pytest.fixture
def release(model: Packaged, plain: Repository) -> Release:
    """The release of that model that production's record names, since now."""
    uri = f"s3://{plain.bucket}/models/iris/{model.digest}/"
    release = replace(SECOND, digest=model.digest, uri=uri, since=clock.now())
    state = Record("iris", "production", release.name, releases=(release,))
    commit(plain.folder, "gitops/models/iris/production/record.yaml", record.render(state))
    return release


@pytest.fixture
def prometheus(model: Packaged, release: Release, tmp_path: Path) -> Iterator[str]:
    """URL of a Prometheus that scrapes a predictor of the release, whose users ask about longer flowers."""
    program("prometheus")
    log, env = tmp_path / "predictor.log", dict(os.environ)
    running = Predictor("iris", release.uri, release.name, model.directory, code=ROOT, env=env, log=log)
    try:
        with Prometheus(tmp_path / "prometheus") as scraping:
            labels = {"namespace": "iris-production", "release": release.name, "pod": "one"}
            scraping.target(f"{ports.LOOPBACK}:{running.port}", labels)
            with Traffic(running.url, "/v1/models/iris:predict") as traffic:
                traffic.shift = SHIFT
                yield scraping.url
    finally:
        running.stop()


def _until(chromium: Browser, url: str, text: str) -> None:
    """Look at `url` again and again until it says `text`."""
    end = time.monotonic() + ANSWER_SECONDS
    while text not in (body := chromium.value("document.body.innerText")):
        assert time.monotonic() < end, body
        time.sleep(1)
        chromium.look(url)


def test_the_page_shows_drift_and_calibration_of_what_runs(plain: Repository, prometheus: str, tmp_path: Path) -> None:
    """Before a window is over the rows until now are shown without a verdict; then shifted inputs are an alarm, with
    each feature beside its reference, and the accuracy that the model's confidence promises beside the held-out one."""
    (first, second), env = ports.free(2), {**os.environ, "PYTHONPATH": str(ROOT)}
    pictures = Path(os.environ.get(PICTURES, tmp_path))
    command = [sys.executable, "-m", "release", "page", "--prometheus", prometheus]
    short = ("--window", str(WINDOW), "--least", str(LEAST))
    pages = {first: command, second: [*command, *short]}
    with browser.opened(tmp_path / "profile") as chromium:
        for port, line in pages.items():
            log = tmp_path / f"{port}.log"
            with Process("the pages", [*line, "--port", str(port)], env=env, cwd=plain.folder, log=log) as process:
                process.wait_until(lambda port=port: not ports.is_free(port), seconds=START_SECONDS)
                url = f"http://{ports.LOOPBACK}:{port}/drift.html"
                chromium.look(url)
                expected = "which decides nothing, the largest PSI" if port == first else ": drift;"
                _until(chromium, url, expected)
                assert "held-out" in chromium.value("document.querySelector('#calibration + .wide').innerText")
                for width in (1280, 400):
                    chromium.look(url, width=width, dark=width == 400)
                    chromium.picture(pictures / f"{'drifted' if port == second else 'young'}-{width}.png")
                chromium.click('.card a[href^="drift/"]')
                text = chromium.value("document.body.innerText")
                assert "Calibration: what its confidence promises" in text
                assert chromium.value("document.querySelectorAll('svg[aria-label^=sepal]').length") == 2
                assert chromium.value("document.documentElement.scrollWidth") <= 400
                chromium.picture(pictures / f"features-{'drifted' if port == second else 'young'}.png")
        assert chromium.complaints == []
