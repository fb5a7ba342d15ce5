"""Request ids and traces: what is taken from a caller, and what is not."""

from __future__ import annotations

import pytest

from predictor.observe.request_trace import begin, trace

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE}-{PARENT}-01\n", False),
        (f"cc-{TRACE}-{PARENT}-01-{'x' * 600}", False),
        ("", False),
    ],
)
def test_traceparent(header: str, valid: bool) -> None:
    """A traceparent is read as W3C says, and one that is not valid is none."""
    assert trace(header) == ((TRACE, PARENT, "01") if valid else None)


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "a\nb", "ü", "x" * 129, None])
def test_request_id_made(given: str | None) -> None:
    """An id that could break a log, or is too long, is replaced by a new one."""
    made = begin("v1", given, None).request_id
    assert made != given
    assert len(made) == 32


def test_request_id_kept() -> None:
    """A plain id is kept."""
    assert begin("v1", "Root=1-67891233/abc:~@", None).request_id == "Root=1-67891233/abc:~@"
