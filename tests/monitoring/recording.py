"""Series as Prometheus would have recorded them, written as OpenMetrics text: each process counts from 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

QUEUE = "http_server_request_duration_seconds_count"
EDGES = (0.001, 0.002, 0.004, 0.008, 0.016)


@dataclass
class Recording:
    """Counters scraped every `step` seconds from `start` on."""

    start: float
    step: float = 60.0
    _families: dict[str, list[str]] = field(default_factory=dict)

    def counter(
        self,
        name: str,
        labels: Mapping[str, str],
        growth: Sequence[float] | np.ndarray,
        first: float = 0,
        begins: float = 0,
        step: float | None = None,
    ) -> None:
        """A series that `begins` at scrape `first` and grows by each of `growth` until the next; NaN: not scraped.

        `step`: seconds between its own scrapes, where it is scraped more often than the others.
        """
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        lines = self._families.setdefault(name, [])
        value, end = float(begins), self.start + first * self.step
        lines.append(f"{name}{{{text}}} {value:g} {end:.3f}")
        for place, more in enumerate(np.asarray(growth, dtype=np.float64).tolist()):
            if more != more:
                continue
            value += more
            lines.append(f"{name}{{{text}}} {value:g} {end + (place + 1) * (step or self.step):.3f}")

    def release(
        self,
        namespace: str,
        release: str,
        seed: int,
        *,
        scrapes: int,
        per_scrape: float,
        errors: float = 0.01,
        slowdown: float = 1.0,
        classes: Mapping[str, float] | None = None,
        first: int = 0,
        clump: int = 1,
        pod: str = "",
    ) -> None:
        """What queue-proxy and the predictor count of one pod of `release`, from scrape `first` on."""
        random = np.random.default_rng(seed)
        base = {"namespace": namespace, "release": release, "pod": pod or f"{release}-pod"}
        requests = random.poisson(per_scrape, scrapes)
        failed = np.minimum(requests, clump * random.binomial(requests, errors / clump))
        for code, growth in (("200", requests - failed), ("503", failed)):
            self.counter(QUEUE, {**base, "http_response_status_code": code}, growth, first)
        answered = requests - failed
        waiting = answered
        below = np.zeros(scrapes)
        for edge in EDGES:
            fast = random.binomial(waiting.astype(int), 1 - 0.5 ** (1 / slowdown))
            below, waiting = below + fast, waiting - fast
            self.counter("modelpin_request_seconds_bucket", {**base, "le": str(edge)}, below, first)
        self.counter("modelpin_request_seconds_bucket", {**base, "le": "+Inf"}, answered, first)
        shares = classes or {"setosa": 0.5, "versicolor": 0.3, "virginica": 0.2}
        rows = random.multinomial(answered.astype(int), list(shares.values()))
        for place, name in enumerate(shares):
            self.counter("modelpin_predictions_total", {**base, "class": name}, rows[:, place], first)

    def text(self) -> str:
        """The whole, families apart."""
        parts = []
        for name, lines in self._families.items():
            family = name.removesuffix("_total")
            kind = "counter" if name.endswith("_total") else "unknown"
            parts.append("\n".join([f"# TYPE {family} {kind}", *lines]))
        return "\n".join([*parts, "# EOF", ""])
