"""Routes, methods, media types, and requests that are no good HTTP."""

from __future__ import annotations

from tests.predictor.corpus import JSON, ROW, SETOSA, V1, V2, Case, Raw, dumps, wide

BODY = dumps({"instances": [ROW]})
NO_ROUTE = "no such route"
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
START = b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
TYPED = START + b"Content-Type: application/json\r\n"
SIZED = TYPED + b"Content-Length: %d\r\n" % len(BODY)
EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "test", "ce-type": "request", **JSON}
STRUCTURED = {"content-type": "application/cloudevents+json"}
ENVELOPE = {"specversion": "1.0", "id": "1", "source": "test", "type": "request", "data": {"instances": [ROW]}}


def _get(path: str, status: int, says: str, method: str = "GET") -> Case:
    return Case(f"{method} {path[:60]}", status, says, path=path, method=method, headers={})


def _to(path: str, status: int, says: str, body: bytes = BODY) -> Case:
    return Case(f"POST {path[:60]}", status, says, body, path=path)


def _media(name: str, status: int, media: str | None, body: bytes = BODY, says: str = SETOSA) -> Case:
    says = says if status == 200 else "content"
    return Case(name, status, says, body, headers={} if media is None else {"Content-Type": media})


def _headers(name: str, status: int, says: str, **headers: str) -> Case:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return Case(name, status, says, BODY, headers={**JSON, **named})


def _event(name: str, status: int, says: str, body: bytes = BODY, **changes: str | None) -> Case:
    headers = {**EVENT, **{f"ce-{key}": value for key, value in changes.items()}}
    return Case(name, status, says, body, headers={key: value for key, value in headers.items() if value is not None})


def _envelope(
    name: str, status: int, says: str, media: str = "application/cloudevents+json", **changes: object
) -> Case:
    event = {key: value for key, value in {**ENVELOPE, **changes}.items() if value is not None}
    return Case(name, status, says, dumps(event), headers={"content-type": media})


ROUTES = [
    _get("/", 200, "alive"),
    _get("/v2", 200, '"extensions":["binary_tensor_data"]'),
    _get("/v2/health/live", 200, '"live":true'),
    _get("/v2/health/ready", 200, '"ready":true'),
    _get("/v1/models", 200, '["iris"]'),
    _get("/v2/models", 200, '["iris"]'),
    _get("/v1/models/iris", 200, '"ready":true'),
    _get("/v2/models/iris", 200, '"platform":"sklearn"'),
    _get("/v2/models/iris/ready", 200, '"ready":true'),
    _get("/v2/models/iris/versions/{digest}", 200, '"platform":"sklearn"'),
    _get("/v2/models/iris/versions/{digest}/ready", 200, '"ready":true'),
    _get("/metrics", 200, "python_info"),
    _get("/v2/models/iris/versions/1", 404, "version '1' does not exist"),
    _get("/v2/models/iris/versions/1/ready", 404, "version '1' does not exist"),
    _get("/v1/models/rose", 404, "'rose'"),
    _get("/v2/models/rose", 404, "'rose'"),
    _get("/v2/models/rose/ready", 404, "'rose'"),
    _get("/v2/models/" + "x" * 5000, 404, "'xxxx"),
    _get("/v2/models/a%0Ab%00c%FF", 404, r"'a\nb\x00c"),
    _get("/v1/models/iris:predict", 405, "POST"),
    _get("/v2/models/iris/infer", 405, "POST"),
    _get("/docs", 404, NO_ROUTE),
    _get("/v3/models", 404, NO_ROUTE),
    _get("/v2/health/ready/", 404, NO_ROUTE),
    _get("/..%2f..%2fetc/passwd", 404, NO_ROUTE),
    _get("//v2/health/live", 404, NO_ROUTE),
    _get("/v2/repository/index", 404, "one model"),
    _get("/v2/repository/index", 404, "one model", "POST"),
    _get("/v2/repository/models/iris/unload", 404, "one model", "POST"),
    _get("/v2/repository/models/iris/load", 404, "one model", "POST"),
    _get("/v2%2frepository/models/iris/unload", 404, "one model", "POST"),
    _get("/v2/repository/%1B[31m%0A", 404, "one model", "POST"),
    _get("/v2/health/live", 405, "", "HEAD"),
    _get("/v2/health/ready", 405, "GET", "POST"),
    *[
        _get(path, 405, "POST", method)
        for path in (V1, V2)
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    ],
    _to("/v1/models/iris:predict?verbose=1", 200, SETOSA),
    _to("/v1/models/iris%3Apredict", 200, SETOSA),
    _to("/v1/models/%69ris:predict", 200, SETOSA),
    _to("/v2/models/iris/versions/{digest}/infer", 200, '"data":["setosa"]', wide()),
    _to("/v2/models/iris/versions/1/infer", 404, "version '1' does not exist", wide()),
    _to("/v2/models/rose/infer", 404, "'rose'", wide()),
    _to("/v1/models/rose:predict", 404, "'rose'"),
    _to("/v1/models/IRIS:predict", 404, "'IRIS'"),
    _to("/v1/models/:predict", 404, ""),
    _to("/v1/models/iris:predict/", 404, NO_ROUTE),
    _to("/v2/models/iris/infer/", 404, NO_ROUTE, wide()),
    _to("/v1/models/iris:explain", 404, "explain"),
    _to("/v1/models/iris:PREDICT", 404, "PREDICT"),
    _to("/v1/models/iris/infer", 404, NO_ROUTE),
    _to("/v1/models/iris%FF:predict", 404, "iris"),
]

MEDIA = [
    _media("no content type", 200, None),
    _media("a charset", 200, "application/json; charset=utf-8"),
    _media("a charset in capitals and quotes", 200, 'Application/JSON;Charset="UTF-8"'),
    _media("utf8 without its dash", 200, "application/json;charset=utf8"),
    _media("another parameter", 200, "application/json; profile=x"),
    _media("an empty content type", 200, ""),
    _media("text", 415, "text/plain"),
    _media("a form", 415, "application/x-www-form-urlencoded"),
    _media("a multipart form", 415, "multipart/form-data; boundary=x"),
    _media("octets for v1", 415, "application/octet-stream"),
    _media("CSV", 415, "text/csv"),
    _media("another charset", 415, "application/json; charset=latin-1"),
    _media("a charset that begins like UTF-8", 415, "application/json; charset=utf-80"),
    _media("no media type at all", 415, "nonsense"),
    Case("no content type for v2", 200, '"data":["setosa"]', wide(), path=V2, headers={}),
    Case(
        "a charset for v2",
        200,
        '"data":["setosa"]',
        wide(),
        path=V2,
        headers={"content-type": "application/json;charset=UTF-8"},
    ),
    _headers("gzip", 415, "gzip", content_encoding="gzip"),
    _headers("an unknown encoding", 415, "br", content_encoding="br"),
    _headers("identity", 200, SETOSA, content_encoding="Identity"),
    _headers("an accept that asks for HTML", 200, SETOSA, accept="text/html"),
    _headers("a header of another alphabet", 200, SETOSA, x_name="\xe9\xfc"),
    _headers("a header of 8 KB", 200, SETOSA, x_name="x" * 8192),
    _headers("a request id", 200, SETOSA, x_request_id="a\tb"),
    _headers("a binary header on v1", 400, "inference-header", inference_header_content_length="10"),
    Case("a body in chunks", 200, SETOSA, [BODY[:7], BODY[7:20], BODY[20:]]),
    Case("a body of one byte a chunk", 200, SETOSA, [bytes([byte]) for byte in BODY]),
    Case("a cut body in chunks", 400, "not JSON", [BODY[:7], BODY[7:20]]),
]

EVENTS = [
    _event("a binary event", 200, SETOSA),
    _event("a binary event with extensions", 200, "setosa", time="2020-01-01T00:00:00Z", subject="é", foo="bar"),
    _event("a binary event without an id", 400, "ce-id", id=None),
    _event("a binary event without a source", 400, "ce-source", source=None),
    _event("a binary event without a type", 400, "ce-type", type=None),
    _event("a binary event with an empty id", 400, "ce-id", id=""),
    _event("a binary event of another version", 400, "'9'", specversion="9"),
    _event("a binary event without a body", 400, "not JSON", b""),
    _event("a binary event of bytes", 400, "UTF-8", b"\xff\xfe"),
    _event("a binary event of rubbish", 400, "not JSON", b"{"),
    _event("a binary event with a value that is wrong", 400, "row 0: missing", b'{"instances":[[1,2,3,NaN]]}'),
    Case("a binary event of text", 415, "text/plain", BODY, headers={**EVENT, "content-type": "text/plain"}),
    Case("a binary event for another model", 404, "'rose'", BODY, path="/v1/models/rose:predict", headers=EVENT),
    Case("a binary event's headers on v2", 200, '"data":["setosa"]', wide(), path=V2, headers=EVENT),
    _envelope("a structured event", 200, '"data":{"predictions":["setosa"]}'),
    _envelope("a structured event with a charset", 200, "setosa", media="application/cloudevents+json; charset=UTF-8"),
    _envelope("a structured event with a time and extensions", 200, "setosa", time="2020-01-01T00:00:00Z", foo=5),
    _envelope("a structured event without data", 400, "'data'", data=None),
    _envelope("a structured event without an id", 400, "'id'", id=None),
    _envelope("a structured event with a number for an id", 400, "'id'", id=5),
    _envelope("a structured event of another version", 400, "'0.9'", specversion="0.9"),
    _envelope("a structured event with base64", 400, "data_base64", data_base64="e30="),
    _envelope("a structured event with text for data", 400, "not an object", data="x"),
    _envelope("a structured event on a plain request", 400, "unknown key", media="application/json"),
    Case("a structured event that is a list", 400, "not an object", b"[]", headers=STRUCTURED),
    Case("a structured event that is rubbish", 400, "not JSON", b"{", headers=STRUCTURED),
    Case("a structured event without a body", 400, "not JSON", b"", headers=STRUCTURED),
    Case(
        "a structured event with its data twice",
        400,
        "twice",
        dumps(ENVELOPE)[:-1] + b',"data":{}}',
        headers=STRUCTURED,
    ),
    Case("a structured event on v2", 415, "cloudevents", dumps(ENVELOPE), path=V2, headers=STRUCTURED),
    Case(
        "a batch of events",
        415,
        "batch",
        dumps([ENVELOPE]),
        headers={"content-type": "application/cloudevents-batch+json"},
    ),
]

RAW = [
    Raw("bytes that are not HTTP", 400, "HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    Raw("HTTP/2 at once", 400, "HTTP", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Raw("an unknown method", 400, "HTTP", b"FROB / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Raw("a method in small letters", 400, "HTTP", b"get / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Raw("an unknown version", 400, "HTTP", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
    Raw("CONNECT", 400, "HTTP", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
    Raw("OPTIONS *", 404, "", b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    Raw("HTTP/1.0", 200, "live", b"GET /v2/health/live HTTP/1.0\r\n\r\n"),
    Raw("an absolute target", 200, "live", LIVE.replace(b"/v2", b"http://x/v2", 1) + b"\r\n"),
    Raw("a path that is not ASCII", 400, "HTTP", LIVE.replace(b"live", b"\xc3\xa9", 1) + b"\r\n"),
    Raw("a space in the path", 400, "HTTP", LIVE.replace(b"live", b"li ve", 1) + b"\r\n"),
    Raw("a space in a header name", 400, "HTTP", LIVE + b"a b: c\r\n\r\n"),
    Raw("a header without a colon", 400, "HTTP", LIVE + b"nonsense\r\n\r\n"),
    Raw("a NUL in a header", 400, "HTTP", LIVE + b"a: b\x00c\r\n\r\n"),
    Raw("a folded header", 400, "HTTP", LIVE + b"a: b\r\n c\r\n\r\n"),
    Raw("a header that is not ASCII", 200, "live", LIVE + b"a: \xc3\xa9\xff\r\n\r\n"),
    Raw("a thousand headers", 200, "live", LIVE + b"a: b\r\n" * 1000 + b"\r\n"),
    Raw("a negative length", 400, "HTTP", TYPED + b"Content-Length: -1\r\n\r\n"),
    Raw("a length of text", 400, "HTTP", TYPED + b"Content-Length: ten\r\n\r\n"),
    Raw("a length past 64 bits", 400, "HTTP", TYPED + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    Raw("two lengths", 400, "HTTP", SIZED + b"Content-Length: 5\r\n\r\n" + BODY),
    Raw("a length and chunks", 400, "HTTP", SIZED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Raw("a length over the limit", 413, "limit", TYPED + b"Content-Length: 9999999999\r\n\r\n"),
    Raw(
        "... that waits to continue",
        413,
        "limit",
        TYPED + b"Content-Length: 9999999999\r\nExpect: 100-continue\r\n\r\n",
    ),
    Raw("a chunk size that is no number", 400, "HTTP", TYPED + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    Raw("a chunk size past 64 bits", 400, "HTTP", TYPED + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    Raw("a transfer encoding that is not chunked", 400, "HTTP", TYPED + b"Transfer-Encoding: gzip\r\n\r\n"),
    Raw(
        "chunks with extensions and trailers",
        200,
        SETOSA,
        TYPED + b"Transfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%s\r\n0\r\nx: y\r\n\r\n" % (len(BODY), BODY),
    ),
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
    Raw("two content types", 400, "content-type", SIZED + b"Content-Type: text/plain\r\n\r\n" + BODY),
    Raw(
        "two content encodings",
        400,
        "content-encoding",
        SIZED + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\n" + BODY,
    ),
    Raw("a header's name alone", 200, SETOSA, SIZED + b"X-Empty:\r\n\r\n" + BODY),
]

CASES = [*ROUTES, *MEDIA, *EVENTS]
