"""The time as the record writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """UTC to the second, ISO 8601 with Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
