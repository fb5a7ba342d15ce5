"""What RFC 9112 forbids in a request's line and headers beyond what llhttp refuses: host, transfer coding, target."""

from __future__ import annotations

import re
from collections.abc import Iterable

Refusal = tuple[int, str]  # status and text

_HOST = rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
is_host = re.compile(_HOST).fullmatch  # whether a Host header's value, without blanks around it, is one
_absolute = re.compile(rb"(?i:https?)://(" + _HOST + rb")((?:[/?].*)?)").fullmatch
# A request's line whose method llhttp does not know: as HTTP goes, the rest of it is right.
_is_line = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} [!-~]+ HTTP/1\.[01]\r\n").match


def check_head(version: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """Why a request of this HTTP version, with names in lower case, is refused; None for one that is not."""
    if version not in ("1.1", "1.0"):
        return 505, f"HTTP/{version} is not spoken here; send HTTP/1.1"
    host: bytes | None = None
    coding: bytes | None = None
    for name, value in headers:
        if name == b"host":
            if host is not None:
                return 400, "the request has more than one Host header"
            host = value
        elif name == b"transfer-encoding":
            coding = value if coding is None else coding + b", " + value
    if host is None:
        if version == "1.1":
            return 400, "the request has no Host header"
    elif not is_host(host.strip(b" \t")):
        return 400, "the Host header is no host and port"
    if coding is not None:
        if version == "1.0":
            return 400, "HTTP/1.0 has no Transfer-Encoding"
        codings = [name.strip(b" \t").lower() for name in coding.split(b",")]
        if codings != [b"chunked"]:
            # Where chunks are not the last coding, nobody knows where the body ends: RFC 9112, 6.3, has 400 for that.
            status = 501 if codings[-1] == b"chunked" else 400
            return status, f"transfer encoding {coding.decode('latin-1')[:80]!r} is not read here; send chunked"
    return None


def origin(target: bytes, method: bytes) -> bytes | None:
    """The path and query of a request's target, which a proxy's client writes with scheme and host; None for no target.

    The host in it stands for the Host header, and this server looks at neither.
    """
    if target.startswith(b"/"):
        return None if b"#" in target else target
    if target == b"*":
        return target if method == b"OPTIONS" else None
    if (match := _absolute(target)) is None or b"#" in target:
        return None
    rest: bytes = match[2]
    return rest if rest.startswith(b"/") else b"/" + rest


def unknown_method(data: bytes) -> bool:
    """Whether `data`, which llhttp did not take for a request, begins with the line of one but for its method."""
    return _is_line(data) is not None
