"""Dates and times of a request: RFC 3339 text in, and out seconds since 1970-01-01 UTC, with which a model computes.

A time without an offset means nothing by itself: it is refused, unless the schema names the zone it is written in.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The years that pandas' nanoseconds hold, which transformers may convert to.
EARLIEST, LATEST = -9_214_560_000.0, 9_214_646_400.0  # 1678-01-01 and 2262-01-01
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)([Zz]|[+-]\d{2}:\d{2})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def seconds(text: str, dtype: str, zone: str | None = None) -> float:
    """`text` as seconds since 1970-01-01 UTC, to the microsecond; ValueError says in words what is wrong with it.

    `dtype` is `date` (YYYY-MM-DD, its midnight in UTC) or `datetime` (RFC 3339: https://www.rfc-editor.org/rfc/rfc3339);
    `zone` is the IANA name of the zone of times without an offset.
    """
    if dtype == "date":
        if not _DATE.fullmatch(text):
            raise ValueError("is no date such as 2026-03-29")
        return _since(_read(text + "T00:00:00+00:00"))
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("is no time such as 2026-03-29T12:30:00Z")
    day, clock, offset = match.groups()
    moment = _read(f"{day}T{clock[:15]}{'+00:00' if offset in ('Z', 'z') else offset or ''}")
    if offset is not None:
        return _since(moment)
    if zone is None:
        raise ValueError("has no offset, and the schema names no zone; write 2026-03-29T12:30:00+02:00, or a Z for UTC")
    local = moment.replace(tzinfo=_zone(zone))
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError(f"is there twice or never in {zone}, whose clocks change; write its offset")
    return _since(local)


def text(moment: float, dtype: str) -> str:
    """The text that `seconds` reads as `moment`."""
    at = _EPOCH + timedelta(microseconds=round(moment * 1e6))
    return at.date().isoformat() if dtype == "date" else at.isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether this machine knows the zone `name`."""
    try:
        _zone(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"is no time of the calendar ({error})") from None


def _since(moment: datetime) -> float:
    since = (moment - _EPOCH) // timedelta(microseconds=1) / 1e6
    if not EARLIEST <= since < LATEST:
        raise ValueError("is not within the years 1678 to 2261")
    return since
