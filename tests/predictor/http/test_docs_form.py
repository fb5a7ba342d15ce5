"""The form at /docs in Chromium, as a person uses it: filled, sent, answered."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadlines import ANSWER_SECONDS
from tests.predictor import models
from tests.predictor.conftest import Server, start
from tests.release.page import browser
from tests.release.page.browser import PICTURES, Browser

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(browser.PROGRAM is None, reason="there is no chromium: apt-get install chromium"),
]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Server]:
    """A predictor of a model with every dtype, texts, categories and missing values."""
    server = start(models.people(tmp_path / "artifact"), tmp_path / "predictor.log")
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def field(server: Server, name: str) -> str:
    """The selector of the field of the feature `name`."""
    place = [feature.name for feature in server.model.signature.inputs].index(name) + 1
    return f".fields label:nth-child({place}) > *"


def answer(chromium: Browser) -> tuple[int, str]:
    """Status and body that the page shows once it was asked."""
    chromium.press("form button")
    end = time.monotonic() + ANSWER_SECONDS
    while not (text := chromium.value("document.querySelector('#answer').textContent"))[:3].isdigit():
        assert time.monotonic() < end, text
        time.sleep(0.05)
    first, _, body = text.partition("\n")
    return int(first[:3]), body


def test_the_form_asks_the_model_what_was_typed(people: Server, tmp_path: Path) -> None:
    """It fits a phone and the dark; numbers, texts and a missing value arrive as typed, and the answer is the model's;
    a value that must not be missing is refused by name. The line for a shell asks the same."""
    with browser.opened(tmp_path / "profile") as chromium:
        for width, dark in ((1280, False), (400, True)):
            chromium.look(f"{people.url}/docs", width=width, dark=dark, scripts=True)
            assert chromium.value("document.documentElement.scrollWidth") <= width
            chromium.picture(Path(os.environ.get(PICTURES, tmp_path)) / f"docs-{width}{'-dark' if dark else ''}.png")
        assert answer(chromium)[0] == 200  # the row that it begins with is one that the model takes
        chromium.type(field(people, "rooms"), "7")
        chromium.type(field(people, "city"), "L'Aquila <b>")
        chromium.type(field(people, "größe (cm)"), "")
        sent = json.loads(chromium.value("document.querySelector('textarea').value"))
        names = [feature.name for feature in people.model.signature.inputs]
        (row,) = (dict(zip(names, values, strict=True)) for values in sent["instances"])
        assert (row["rooms"], row["city"], row["größe (cm)"]) == (7, "L'Aquila <b>", None)
        status, body = answer(chromium)
        assert (status, json.loads(body)) == (200, people.post(people.v1, sent).json)
        shell = chromium.value("document.querySelector('#shell').textContent")
        assert f"{people.url}{people.v1} -d '" in shell
        assert "L'\\''Aquila" in shell
        chromium.type(field(people, "rooms"), "")
        status, body = answer(chromium)
        assert (status, "rooms" in body) == (400, True)
        (complaint,) = chromium.complaints  # of that refusal alone
        assert "400" in complaint
