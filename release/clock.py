"""The time as the record writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """UTC to the second, ISO 8601 with Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(text: str) -> float:
    """Seconds from `text`, as `now` writes it, until now."""
    return (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
