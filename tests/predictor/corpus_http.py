"""Routes, methods, media types and events."""

from __future__ import annotations

from tests.predictor.corpus import JSON, ROW, SETOSA, V1, V2, Case, dumps, wide

BODY = dumps({"instances": [ROW]})
NO_ROUTE = "no such route"
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


READ = {
    "/": "alive",
    "/v2": '"extensions":["binary_tensor_data"]',
    "/v2/health/live": '"live":true',
    "/v2/health/ready": '"ready":true',
    "/v1/models": '["iris"]',
    "/v2/models": '["iris"]',
    "/v1/models/iris": '"ready":true',
    "/v2/models/iris": '"platform":"sklearn"',
    "/v2/models/iris/ready": '"ready":true',
    "/v2/models/iris/versions/{digest}": '"platform":"sklearn"',
    "/v2/models/iris/versions/{digest}/ready": '"ready":true',
    "/metrics": "python_info",
    "/docs": "<h1>iris</h1>",
    "/openapi.json": '"openapi":"3.1.0"',
}

ROUTES = [
    *[_get(path, 200, says) for path, says in READ.items()],
    _get("/v2/models/iris/versions/1", 404, "version '1' does not exist"),
    _get("/v2/models/iris/versions/1/ready", 404, "version '1' does not exist"),
    _get("/v1/models/rose", 404, "'rose'"),
    _get("/v2/models/rose", 404, "'rose'"),
    _get("/v2/models/rose/ready", 404, "'rose'"),
    _get("/v2/models/" + "x" * 5000, 404, "'xxxx"),
    _get("/v2/models/a%0Ab%00c%FF", 404, r"'a\nb\x00c"),
    _get("/v1/models/iris:predict", 405, "POST"),
    _get("/v2/models/iris/infer", 405, "POST"),
    _get("/redoc", 404, NO_ROUTE),
    _get("/v3/models", 404, NO_ROUTE),
    *[_get(path + "/", 200, says) for path, says in READ.items() if path != "/"],
    *[_get(path + "//", 404, "") for path in READ],
    *[_get(path, 200, "", "HEAD") for path in READ],
    *[_get(path, 405, "GET, HEAD", method) for path in READ for method in ("POST", "OPTIONS", "PROPFIND")],
    _get("/v2?a=b", 200, "binary_tensor_data"),
    _get("/v2/?a=b", 200, "binary_tensor_data"),
    _get("/v2/models/iris/versions/{digest}x", 404, "does not exist"),
    _get("/v2/models/iris/versions/1/", 404, "version '1' does not exist"),
    _get("/v2/versions/{digest}/models", 404, NO_ROUTE),
    _get("/v2/models/rose/", 404, "'rose'"),
    _get("/redoc/", 404, NO_ROUTE),
    _get("/v2/models/iris/infer/", 405, "POST"),
    _get("/v2/models/iris/infer", 405, "", "HEAD"),
    _get("/v3/models", 404, "", "HEAD"),
    _get("/..%2f..%2fetc/passwd", 404, NO_ROUTE),
    _get("//v2/health/live", 404, NO_ROUTE),
    _get("/v2/repository/index", 404, "one model"),
    _get("/v2/repository/index", 404, "one model", "POST"),
    _get("/v2/repository/models/iris/unload", 404, "one model", "POST"),
    _get("/v2/repository/models/iris/load", 404, "one model", "POST"),
    _get("/v2%2frepository/models/iris/unload", 404, "one model", "POST"),
    _get("/v2/repository/%1B[31m%0A", 404, "one model", "POST"),
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
    _to("/v1/models/iris:predict/", 200, SETOSA),
    _to("/v2/models/iris/infer/", 200, '"data":["setosa"]', wide()),
    _to("/v2/models/iris/versions/{digest}/infer/", 200, '"data":["setosa"]', wide()),
    _to("/v2/models/iris/versions/{digest}/infer", 400, "not JSON", b"{"),
    _to("/v1/models/iris:predict//", 404, NO_ROUTE),
    _to("/v1/models/iris:predict/?a=b", 200, SETOSA),
    _to("/v1/models/iris:explain", 501, "package.explain"),
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

CASES = [*ROUTES, *MEDIA, *EVENTS]
