"""Requests that no client library writes: their lines, hosts, targets, headers, lengths and chunks."""

from __future__ import annotations

from tests.predictor.corpus import SETOSA, Raw
from tests.predictor.corpus_http import BODY

LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
START = b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
TYPED = START + b"Content-Type: application/json\r\n"
SIZED = TYPED + b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = TYPED + b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def _live(name: str, status: int, says: str, old: bytes, new: bytes) -> Raw:
    return Raw(name, status, says, (LIVE + b"\r\n").replace(old, new, 1))


def _header(name: str, status: int, says: str, lines: bytes) -> Raw:
    return Raw(name, status, says, LIVE + lines + b"\r\n")


def _host(lines: bytes, status: int) -> list[Raw]:
    says = [SETOSA, "live"] if status == 200 else ["Host", "Host"]
    requests = [(SIZED + b"\r\n" + BODY, says[0]), (LIVE + b"\r\n", says[1])]
    return [
        Raw(f"{lines!r} in {data[:4].decode()}", status, text, data.replace(b"Host: x\r\n", lines))
        for data, text in requests
    ]


def _target(target: bytes, status: int, says: str) -> Raw:
    return _live(f"the target {target[:60]!r}", status, says, b"/v2/health/live", target)


def _length(value: bytes, status: int = 400) -> Raw:
    says = "HTTP" if status == 400 else SETOSA
    return Raw(f"the length {value!r}", status, says, TYPED + b"Content-Length:%s\r\n\r\n" % value + BODY)


def _coding(value: bytes, status: int, version: bytes = b"1.1") -> Raw:
    head = CHUNKED.replace(b" chunked", value).replace(b"1.1", version)
    says = {200: SETOSA, 501: "send chunked"}.get(status, "")
    return Raw(f"the coding {value!r} in HTTP/{version.decode()}", status, says, head + b"\r\n" + CHUNKS)


def _chunks(name: str, status: int, data: bytes) -> Raw:
    says = "HTTP" if status == 400 else SETOSA
    return Raw(name, status, says, CHUNKED + b"\r\n" + data.replace(b"BODY", BODY))


LINES = [
    Raw("bytes that are not HTTP", 400, "HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    Raw("HTTP/2 at once", 400, "HTTP", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _live("an unknown method", 501, "method", b"GET", b"FROB"),
    _live("a method in small letters", 501, "method", b"GET", b"get"),
    _live("an unknown method and more", 400, "HTTP", b"GET /v2/health/live", b"FROB / x"),
    Raw("CONNECT", 501, "CONNECT", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
    Raw("OPTIONS *", 404, "", b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    Raw("HTTP/1.0", 200, "live", b"GET /v2/health/live HTTP/1.0\r\n\r\n"),
    Raw("HTTP/0.9", 505, "HTTP/1.1", b"GET /v2/health/live\r\n\r\n"),
    _live("HTTP/2.0 in a line of HTTP/1", 505, "HTTP/1.1", b"HTTP/1.1", b"HTTP/2.0"),
    _live("an unknown version", 400, "HTTP", b"HTTP/1.1", b"HTTP/9.9"),
    _live("a version in small letters", 400, "HTTP", b"HTTP/1.1", b"http/1.1"),
    _live("a tab for a space", 400, "HTTP", b"GET ", b"GET\t"),
    _live("a space in the path", 400, "HTTP", b"live", b"li ve"),
    _live("a path that is not ASCII", 400, "HTTP", b"live", b"\xc3\xa9"),
    Raw("empty lines before a request", 200, "live", b"\r\n\r\n" + LIVE + b"\r\n"),
    Raw("LF alone", 400, "HTTP", LIVE.replace(b"\r\n", b"\n") + b"\n"),
    _target(b"http://x/v2/health/live", 200, "live"),
    _target(b"HTTPS://y:1/v2/health/live?a=b", 200, "live"),
    _target(b"http://x", 200, "alive"),
    _target(b"http://x?a", 200, "alive"),
    _target(b"http://u@x/v2/health/live", 400, "target"),
    _target(b"ftp://x/v2/health/live", 400, "target"),
    _target(b"/v2/health/live#a", 400, "target"),
    _target(b"*", 400, "target"),
    _target(b"v2/health/live", 400, "HTTP"),
    _target(b"x:80", 400, "HTTP"),
    _target(b"/%76%32/health/liv%65", 200, "live"),
    _target(b"/v2\x00", 400, "HTTP"),
    _target(b"/" + b"a" * 40_000, 414, "limit"),
    _target(b"/v2/health/live?" + b"a" * 40_000, 414, "limit"),
    Raw("a target without its end", 414, "limit", b"GET /" + b"a" * 70_000),
    Raw("an absolute target of POST", 200, SETOSA, SIZED.replace(b"/v1", b"http://y/v1", 1) + b"\r\n" + BODY),
    Raw("a last slash", 200, SETOSA, SIZED.replace(b":predict", b":predict/") + b"\r\n" + BODY),
]

HOSTS = [
    *_host(b"", 400),
    *_host(b"Host: x\r\nHost: x\r\n", 400),
    *_host(b"Host: x\r\nhost: y\r\n", 400),
    *_host(b"Host:\r\nHost: x\r\n", 400),
    *_host(b"Host: a b\r\n", 400),
    *_host(b"Host: a/b\r\n", 400),
    *_host(b"Host: u@x\r\n", 400),
    *_host(b"Host: x, y\r\n", 400),
    *_host(b"Host: x:http\r\n", 400),
    *_host(b"Host: [::1\r\n", 400),
    *_host(b"Host: %zz\r\n", 400),
    *_host(b"Host: \xc3\xa9\r\n", 400),
    *_host(b"Host:\r\n", 200),
    *_host(b"Host: x:\r\n", 200),
    *_host(b"Host: x:8080 \r\n", 200),
    *_host(b"HOST: [::1]:8080\r\n", 200),
    *_host(b"Host: a_b.c-d.svc.cluster.local\r\n", 200),
    Raw("two hosts in HTTP/1.0", 400, "Host", b"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n"),
]

HEADERS = [
    _header("a space in a header name", 400, "HTTP", b"a b: c\r\n"),
    _header("a space before a colon", 400, "HTTP", b"Content-Length : 0\r\n"),
    _header("no header name", 400, "HTTP", b": c\r\n"),
    _header("a header without a colon", 400, "HTTP", b"nonsense\r\n"),
    _header("a NUL in a header", 400, "HTTP", b"a: b\x00c\r\n"),
    _header("a CR in a header", 400, "HTTP", b"a: b\rc: d\r\n"),
    _header("LF alone behind a header", 400, "HTTP", b"a: b\nc: d\r\n"),
    _header("a folded header", 400, "HTTP", b"a: b\r\n c\r\n"),
    _header("a header that is not ASCII", 200, "live", b"a: \xc3\xa9\xff\r\n"),
    _header("nine hundred headers", 200, "live", b"a: b\r\n" * 900),
    _header("headers over the limit", 431, "limit", b"a: b\r\n" * 10_000),
    Raw("a header without its end", 431, "limit", LIVE + b"a: " + b"a" * 70_000),
    _live("a space before the first header", 400, "HTTP", b"Host", b" Host: y\r\nHost"),
    Raw("two content types", 400, "content-type", SIZED + b"Content-Type: text/plain\r\n\r\n" + BODY),
    Raw(
        "two content encodings",
        400,
        "content-encoding",
        SIZED + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\n" + BODY,
    ),
    Raw("a header's name alone", 200, SETOSA, SIZED + b"X-Empty:\r\n\r\n" + BODY),
    Raw("Expect: 100-continue", 200, SETOSA, SIZED + b"Expect: 100-continue\r\n\r\n" + BODY),
    Raw("another Expect", 200, SETOSA, SIZED + b"Expect: nothing\r\n\r\n" + BODY),
    Raw(
        "an offer of HTTP/2, as Java sends it",
        200,
        SETOSA,
        SIZED.replace(b"close", b"Upgrade, HTTP2-Settings, close")
        + b"Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n\r\n"
        + BODY,
    ),
    Raw(
        "an offer of a WebSocket",
        200,
        "live",
        LIVE.replace(b"close", b"Upgrade, close")
        + b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ),
    Raw(
        "an offer of HTTP/2 around another transfer coding",
        501,
        "send chunked",
        CHUNKED.replace(b" chunked", b" gzip, chunked").replace(b"close", b"Upgrade, close")
        + b"Upgrade: h2c\r\n\r\n"
        + CHUNKS,
    ),
    Raw(
        "an offer of HTTP/2 without a host",
        400,
        "Host",
        LIVE.replace(b"Host: x\r\n", b"").replace(b"close", b"Upgrade, close") + b"Upgrade: h2c\r\n\r\n",
    ),
]

LENGTHS = [
    *[_length(value) for value in (b"", b" -1", b" +33", b" ten", b" 0x21", b" 3 3", b" 3_3", b" 3.3e1", b" 33;a")],
    *[_length(value) for value in (b" 33,33", b" 33, 33", b" 33\x00", b"\r\n 33", b" 99999999999999999999999")],
    *[_length(value, 200) for value in (b"33", b" 00033", b"\t33\t")],
    Raw("two lengths", 400, "HTTP", SIZED + b"Content-Length: 5\r\n\r\n" + BODY),
    Raw("the same length twice", 400, "HTTP", SIZED + b"Content-Length: 33\r\n\r\n" + BODY),
    Raw("a length by another name", 200, SETOSA, SIZED + b"Content_Length: 3\r\n\r\n" + BODY),
    Raw("a length and chunks", 400, "HTTP", SIZED + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS),
    Raw("chunks and a length", 400, "HTTP", CHUNKED + b"Content-Length: 33\r\n\r\n" + CHUNKS),
    Raw("a length and another coding", 400, "HTTP", SIZED + b"Transfer-Encoding: identity\r\n\r\n" + BODY),
    Raw("a length over the limit", 413, "limit", TYPED + b"Content-Length: 9999999999\r\n\r\n"),
    Raw(
        "... that waits to continue",
        413,
        "limit",
        TYPED + b"Content-Length: 9999999999\r\nExpect: 100-continue\r\n\r\n",
    ),
    Raw("a body of GET", 200, "live", LIVE + b"Content-Length: 33\r\n\r\n" + BODY),
    *[_coding(value, 200) for value in (b"chunked", b" Chunked", b"\tchunked ")],
    *[_coding(value, 501) for value in (b" gzip, chunked", b" identity,chunked", b" ,chunked")],
    _coding(b" gzip\r\nTransfer-Encoding: chunked", 501),
    *[_coding(value, 400) for value in (b"", b" gzip", b" identity", b" chunked,", b" chunked, gzip", b" xchunked")],
    *[_coding(value, 400) for value in (b" chunked;q=1", b' "chunked"', b" \x0bchunked", b" chunked, chunked")],
    _coding(b" chunked\r\nTransfer-Encoding: chunked", 400),
    _coding(b" chunked\r\nTransfer-Encoding: identity", 400),
    _coding(b" chunked", 400, b"1.0"),
    _coding(b" gzip, chunked", 400, b"1.0"),
    Raw("HTTP/1.0 that waits", 200, SETOSA, SIZED.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\n\r\n" + BODY),
]

CHUNKED_BODIES = [
    _chunks("a chunk size that is no number", 400, b"zz\r\n"),
    _chunks("a chunk size past 64 bits", 400, b"fffffffffffffffff\r\n"),
    _chunks("a chunk size with a prefix", 400, b"0x21\r\nBODY\r\n0\r\n\r\n"),
    _chunks("a negative chunk size", 400, b"-21\r\nBODY\r\n0\r\n\r\n"),
    _chunks("a space behind a chunk size", 400, b"21 \r\nBODY\r\n0\r\n\r\n"),
    _chunks("chunks and LF alone", 400, b"21\nBODY\n0\n\n"),
    _chunks("a chunk extension and LF alone", 400, b"21;a\nb\r\nBODY\r\n0\r\n\r\n"),
    _chunks("a chunk without its end", 400, b"21\r\nBODY0\r\n\r\n"),
    _chunks("a chunk longer than its size", 400, b"20\r\nBODY\r\n0\r\n\r\n"),
    _chunks("a length as a trailer", 400, b"21\r\nBODY\r\n0\r\nContent-Length: 3\r\n\r\n"),
    _chunks("a coding as a trailer", 400, b"21\r\nBODY\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    _chunks("extensions and trailers", 200, b"21;a=b\r\nBODY\r\n0\r\nx: y\r\n\r\n"),
    _chunks("trailers that are no headers", 200, b"21\r\nBODY\r\n0\r\nContent-Encoding: gzip\r\nHost: y\r\n\r\n"),
]

CASES = [*LINES, *HOSTS, *HEADERS, *LENGTHS, *CHUNKED_BODIES]
