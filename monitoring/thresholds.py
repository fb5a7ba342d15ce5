"""What people decide about the analysis of canaries in one environment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from monitoring.shadow_evidence import ShadowLimits

ASK, ROLL_BACK = "ask", "roll-back"
_CANARY_REQUESTS = 1443  # after which 99 % of good canaries are promoted, at the default limit and ratio


@dataclass(frozen=True)
class Source:
    """The counter of answered requests: its name, its label for the status, and the label that names the release.

    It has to see a process that died: queue-proxy's or the gateway's, not the predictor's own. By default Knative's
    queue-proxy of 1.19 and later, scraped with the pod's label `release`.
    """

    requests: str = "http_server_request_duration_seconds_count"
    code: str = "http_response_status_code"
    release: str = "release"


@dataclass(frozen=True)
class Thresholds:
    """`error_rate` and `error_ratio`: how bad is too bad, alone and beside the stable release; both have to be so.

    `latency_ratio`: odds of a slow request that are tolerated. `predictions`: what is done when they are proved
    different, ask or roll-back. `steps`: percentages of the traffic after the first. `least_minutes` at each share.
    `slowest`: requests a second on both releases together at the quietest time that counts as traffic.
    `deadline_hours`: None for what the slowest traffic needs. `baking_minutes`: watched with all of the traffic.
    `interval`, `warm_up`: seconds, of the grid of queries and of a pod's beginning that is left out. `shadow`: what a
    candidate has to show before its first share; None for nothing.
    """

    prometheus: str = ""
    error_rate: float = 0.03
    error_ratio: float = 3.0
    latency_ratio: float = 1.25
    predictions: str = ASK
    steps: tuple[int, ...] = (50,)
    least_minutes: float = 10.0
    slowest: float = 0.2
    deadline_hours: float | None = None
    baking_minutes: float = 60.0
    interval: float = 60.0
    warm_up: float = 60.0
    source: Source = Source()
    shadow: ShadowLimits | None = None

    def deadline(self, percent: int) -> float:
        """Seconds from its first share, `percent`, until a canary that was not decided is taken back."""
        if self.deadline_hours is not None:
            return self.deadline_hours * 3600
        return math.ceil(_CANARY_REQUESTS / (self.slowest * percent / 100) / 3600) * 3600.0

    def silence(self, percent: float) -> float:
        """Seconds without a request at `percent` of the slowest traffic that chance explains once in 1,000."""
        return max(5 * self.interval, math.log(1000) / (self.slowest * percent / 100))
