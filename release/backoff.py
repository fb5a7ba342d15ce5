"""How long to wait before the next attempt."""

from __future__ import annotations

import random


def seconds(attempt: int, longest: float) -> float:
    """A random pause that grows with `attempt` (from 1) up to `longest`: those who collided once do not meet again."""
    most = min(longest, 0.1 * 2.0**attempt)
    return random.uniform(most / 4, most)  # noqa: S311  a pause is no secret
