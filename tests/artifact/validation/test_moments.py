"""Times, dates, and whole numbers of which some are missing: what a caller may send, and what the model gets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from artifact import moment
from artifact.errors import ConfigurationError, InvalidRequest
from artifact.signature import Feature
from artifact.validation.column import convert

WHEN = Feature("when", "datetime")
IN_BERLIN = Feature("when", "datetime", zone="Europe/Berlin")


def seconds(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("feature", "text", "parts"),
    [
        (WHEN, "2026-03-29T12:30:00Z", (2026, 3, 29, 12, 30)),
        (WHEN, "2026-03-29t14:30:00.000+02:00", (2026, 3, 29, 12, 30)),
        (WHEN, "1969-12-31 23:59:59.5z", (1969, 12, 31, 23, 59, 59, 500_000)),
        (IN_BERLIN, "2026-03-29T14:30:00", (2026, 3, 29, 12, 30)),
        (IN_BERLIN, "2026-01-29T14:30:00", (2026, 1, 29, 13, 30)),
        (IN_BERLIN, "2026-01-29T14:30:00Z", (2026, 1, 29, 14, 30)),
        (Feature("when", "date"), "2024-02-29", (2024, 2, 29)),
    ],
)
def test_is_seconds_in_utc(feature: Feature, text: str, parts: tuple[int, ...]) -> None:
    """A time with its offset, or in the zone of the schema, and a date at midnight: seconds since 1970 UTC."""
    assert convert(feature, [text]).tolist() == [seconds(*parts)]
    again = moment.text(seconds(*parts), feature.dtype)
    assert convert(feature, [again]).tolist() == [seconds(*parts)]


@pytest.mark.parametrize(
    ("feature", "value", "says"),
    [
        (WHEN, "2026-03-29T12:30:00", "has no offset, and the schema names no zone"),
        (WHEN, "2026-03-29", "is no time such as"),
        (WHEN, "now", "is no time such as"),
        (WHEN, "2026-02-30T00:00:00Z", "is no time of the calendar"),
        (WHEN, "1200-01-01T00:00:00Z", "is not within the years 1678 to 2261"),
        (WHEN, 1_800_000_000, "is a whole number, expected datetime"),
        (IN_BERLIN, "2026-03-29T02:30:00", "is there twice or never in Europe/Berlin"),
        (IN_BERLIN, "2026-10-25T02:30:00", "is there twice or never in Europe/Berlin"),
        (Feature("when", "date"), "2026-03-29T00:00:00Z", "is no date such as"),
        (WHEN, None, "missing, and the feature is not nullable"),
        (Feature("count", "int64", nullable=True), 1.5, "is not a whole number"),
        (Feature("count", "int64", nullable=True), 2**53 + 1, "is not within 2^53"),
        (Feature("count", "int64", nullable=True, range=(0, 9)), -1, "is below 0"),
    ],
)
def test_is_refused(feature: Feature, value: Any, says: str) -> None:
    """What means nothing by itself, or cannot be held, is refused with the row, the value and the remedy."""
    with pytest.raises(InvalidRequest, match="row 1: ") as caught:
        convert(feature, [{"datetime": "2026-01-01T00:00:00Z", "date": "2026-01-01"}.get(feature.dtype, 3), value])
    assert says in str(caught.value)


def test_missing_whole_numbers() -> None:
    """A whole number that may be missing is NaN for the model, from JSON and from a tensor alike."""
    feature = Feature("count", "int64", nullable=True)
    for values in ([1, None, 3.0], np.array([1.0, np.nan, 3.0])):
        assert np.array_equal(convert(feature, values), [1.0, np.nan, 3.0], equal_nan=True)


def test_epoch_in_milliseconds() -> None:
    """A tensor of numbers is seconds; milliseconds, which lie millennia ahead, are refused."""
    assert convert(WHEN, np.array([1.8e9])).tolist() == [1.8e9]
    with pytest.raises(InvalidRequest, match="no number of seconds"):
        convert(WHEN, np.array([1.8e12]))


@pytest.mark.parametrize("declared", [{"dtype": "datetime", "zone": "Mars/Base"}, {"dtype": "date", "zone": "UTC"}])
def test_zones(declared: dict[str, Any]) -> None:
    """A zone that nobody knows, or of a column that has no times, is refused."""
    with pytest.raises(ConfigurationError, match="zone"):
        Feature.from_dict("when", declared)
