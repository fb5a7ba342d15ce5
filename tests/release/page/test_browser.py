"""The pages in Chromium, as a person looks at them: wide, on a phone, in the dark, without JavaScript."""

import os
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifact import load
from local import ports
from local.process import Process
from release.checkout import Checkout
from release.documents.subject import Subject
from release.page import model_card, render, server, site_data, training_report
from release.page.drift_pages import read as drift_of
from release.page.render import Site
from tests.deadlines import START_SECONDS
from tests.release.conftest import ROOT, Repository
from tests.release.documents.test_bom import VERDICT
from tests.release.page import browser
from tests.release.page.browser import PICTURES, Browser
from tests.release.page.conftest import FOURTH, SECOND
from tests.release.page.test_page import train

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(browser.PROGRAM is None, reason="there is no chromium: apt-get install chromium"),
]
VIEWS = (
    "index.html", "models/iris/index.html", "models/iris/environments/production.html",
    f"models/iris/releases/{SECOND.name}.html", "report.html", model_card.FILE, "drift.html",
    "quarantine.html", render.FORM,
)  # fmt: skip


@pytest.fixture
def predictor(make_artifact: Callable[[int], Path], tmp_path: Path) -> Iterator[str]:
    """URL of a real predictor, whose model has one input, x, and answers twice of it."""
    http, grpc = ports.free(2)
    command = [
        sys.executable, "-m", "predictor", "--model_dir", make_artifact(2), "--model_name", "iris", "--allow-unpinned",
        "--http_port", str(http), "--grpc_port", str(grpc),
    ]  # fmt: skip
    url = f"http://127.0.0.1:{http}"

    def ready() -> bool:
        try:
            return bool(urllib.request.urlopen(f"{url}/v2/health/ready").status == 200)
        except OSError:
            return False

    with Process("the predictor", command, env=os.environ, cwd=ROOT, log=tmp_path / "predictor.log") as process:
        process.wait_until(ready, seconds=START_SECONDS)
        yield url


@pytest.fixture
def address(pages: Repository, predictor: str, make_artifact: Callable[[int], Path]) -> Iterator[str]:
    """URL of the served pages."""
    train(pages.folder, FOURTH.digest)
    data = site_data.read(Checkout(pages.folder), tree=False)
    verified = load.verify(make_artifact(2), expected_digest=None, allow_unpinned=True)
    card = Subject.of(verified, VERDICT, ROOT)
    site = Site(data, training_report.read(pages.folder), drift_of(data, None), "2026-11-26T08:00:00Z", card)
    with server.start(0, lambda: site, predictor) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Browser]:
    """A browser with nothing remembered."""
    with browser.opened(tmp_path / "profile") as opened:
        yield opened


def test_every_view_fits_and_leads_on(address: str, chromium: Browser, tmp_path: Path) -> None:
    """Nothing is wider than the window, even a phone's; text stands out in the dark too; no error is reported. Clicks
    lead from the list to the data, along the graph, and the form answers what the model answers."""
    pictures = Path(os.environ.get(PICTURES, tmp_path))
    for view in VIEWS:
        for width, dark in ((1280, False), (1280, True), (400, False), (400, True)):
            chromium.look(f"{address}/{view}", width=width, dark=dark)
            assert chromium.value("document.documentElement.scrollWidth") <= width, (view, width)
            colours = chromium.value("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
            text, back = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
            assert (text > back + 450) if dark else (back > text + 450)
            chromium.picture(pictures / f"{view.replace('/', '-')}-{width}{'-dark' if dark else ''}.png")
    chromium.look(f"{address}/")
    chromium.click('h2 a[href="models/iris/index.html"]')
    chromium.click(f'svg a[href$="releases/{SECOND.name}.html#data"]')
    assert chromium.value("location.hash") == "#data"
    assert SECOND.data_digest in chromium.value("document.querySelector(':target').innerText")
    chromium.click('#traffic a[href$="production.html"]')
    assert chromium.value("document.querySelectorAll('ol.timeline > li').length") == 6
    chromium.click('nav a[href$="predict.html"]')
    assert float(chromium.value("document.querySelector('#f1').value")) >= 0  # a value that the model takes
    assert chromium.value("document.querySelector('#d1').innerText") == "a number"  # it must not be missing
    chromium.type("#f1", "2.5")
    chromium.click("form button")
    assert float(chromium.value("document.querySelector('#answer h3').innerText")) == pytest.approx(5.0)
    assert "curl" in chromium.value("document.querySelector('#answer pre').innerText")
    assert chromium.complaints == []
