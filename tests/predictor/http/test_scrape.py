"""/metrics: prometheus_client's own bytes, made off the event loop, and no more often than asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families

from predictor.http.scrape import Scrape
from predictor.observe.sample_block import Block, Families, Labels
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import begin
from predictor.settings import Settings
from tests.predictor.conftest import Server
from tests.predictor.corpus import ROW
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged

ACCEPTED = [
    "",
    "text/plain; version=1.0.0; escaping=allow-utf-8",
    "text/plain; version=1.0.0; escaping=dots",
    "application/openmetrics-text",
    "application/openmetrics-text; version=1.0.0; escaping=values",
    "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8",
    "application/openmetrics-text; version=0.0.1, text/plain",
]


def registry(packaged: dict[str, Packaged], name: str) -> CollectorRegistry:
    """The metrics of a model that has answered a few requests."""
    model = loaded(packaged[name])
    lifecycle = Lifecycle(model, Settings(log_sampling=0))
    columns = model.validator.columns(packaged[name].rows)
    lifecycle.observers.drift.observe(columns, model.batcher.at_once([columns])[0])
    for code in ("200", "400"):
        exchange = begin("v1", None, None)
        exchange.seconds[:] = [1e-4] * 4
        exchange.rows = 7
        exchange.code = code
        lifecycle.observers.count([exchange])
    registry = CollectorRegistry()
    lifecycle.observers.metrics.register(registry)
    return registry


def unfolded(collected: list[Any]) -> list[Metric]:
    """The same families as prometheus_client would keep them."""
    results = []
    for family in collected:
        plain = Metric(family.name, family.documentation, family.type)
        plain.samples = list(family.samples)
        results.append(plain)
    return results


def scraped(collected: list[Any], accept: str) -> tuple[str, bytes]:
    """Media type and body of one scrape."""

    async def scrape() -> tuple[str, bytes]:
        media, pieces = await Scrape(lambda: collected).pieces(accept)
        return media, b"".join(pieces)

    return asyncio.run(scrape())


@pytest.mark.parametrize("accept", ACCEPTED)
@pytest.mark.parametrize("name", ["people", "prices", "iris"])
def test_bytes(packaged: dict[str, Packaged], name: str, accept: str) -> None:
    """In every form that can be asked for, the bytes are those that prometheus_client makes of each sample."""
    collected = list(registry(packaged, name).collect())
    encode, media = choose_encoder(accept)
    assert scraped(collected, accept) == (media, encode(Families(unfolded(collected))))
    blocks = 7 if name == "prices" else 10  # a regression has no probabilities, so no confidence
    assert sum(isinstance(family, Block) for family in collected) == blocks


@pytest.mark.parametrize("accept", ACCEPTED)
def test_bytes_of_odd_labels(accept: str) -> None:
    """Quotation marks, line ends, backslashes and percent signs in labels, and great numbers, are written likewise."""
    values = [('a"b', "x\n"), ("c\\d", "%s{}"), ("ü", "")] * 1000
    numbers = np.tile([0.0, 123456789.0, 1e22], 1000)
    block = Block("modelpin_odd", 'a "text"\n\\', "counter", Labels(("z", "a"), values), numbers)
    encode, _ = choose_encoder(accept)
    assert scraped([block], accept)[1] == encode(Families(unfolded([block])))


def test_off_the_event_loop() -> None:
    """Collecting, and rendering, is not done by the thread of the event loop."""
    threads = set()

    class Watched(Block):
        def pieces(self, encode: Any) -> Iterator[bytes]:
            threads.add(threading.get_ident())
            yield from super().pieces(encode)

    def collect() -> list[Any]:
        threads.add(threading.get_ident())
        return [Watched("modelpin_x", "x", "gauge", Labels(("a",), [("b",)]), np.ones(1))]

    async def scrape() -> bytes:
        scrape = Scrape(collect)
        return b"".join((await scrape.pieces(""))[1])

    assert asyncio.run(scrape()).endswith(b'modelpin_x{a="b"} 1.0\n')
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_scrapes_at_once_share() -> None:
    """Of a hundred scrapes at once the first is rendered alone and the others together, after all that was counted."""
    begun, go, collected = threading.Event(), threading.Event(), []

    def collect() -> list[Any]:
        collected.append(None)
        begun.set()
        go.wait(10)
        return [Block("modelpin_x", "x", "gauge", Labels(("a",), [("b",)]), np.full(1, len(collected)))]

    async def scrape() -> list[bytes]:
        scrape = Scrape(collect)
        first = asyncio.create_task(scrape.pieces(""))
        await asyncio.to_thread(begun.wait, 10)
        others = [asyncio.create_task(scrape.pieces("")) for _ in range(99)]
        await asyncio.sleep(0)
        go.set()
        return [b"".join(pieces)[-4:] for _, pieces in await asyncio.gather(first, *others)]

    assert asyncio.run(scrape()) == [b"1.0\n", *[b"2.0\n"] * 99]


def test_over_http(iris: Server) -> None:
    """A scrape counts every request answered before it, and reads as what prometheus_client parses."""
    totals = []
    for _ in range(2):
        assert iris.post(iris.v1, {"instances": [ROW]}).status == 200
        answer = iris.request("GET", "/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert int(answer.headers["content-length"]) == len(answer.body)
        parsed = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
        totals.append(sum(sample.value for sample in parsed["modelpin_predictions"].samples))
    assert totals[1] == totals[0] + 1
