"""/docs and /openapi.json: what they say of each model is what the model does."""

import json

import pytest
from jsonschema import Draft202012Validator

from tests.predictor.conftest import Servers

MODELS = ["iris", "people", "counts", "prices", "echo"]


@pytest.mark.parametrize("name", MODELS)
def test_the_document_is_true_for_the_model(servers: Servers, name: str) -> None:
    """Each route of it exists; its examples are taken, and what they get is what it says, in v1 and in v2."""
    server = servers[name]
    document = server.request("GET", "/openapi.json").json
    assert (document["info"]["title"], document["info"]["version"]) == (server.model.name, server.model.digest)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "get":
                assert server.request("GET", path).status == 200, path
                continue
            content = operation["requestBody"]["content"]["application/json"]
            check(document, content["schema"], content["example"])
            answer = server.post(path, content["example"])
            assert answer.status == 200, answer.body
            check(document, operation["responses"]["200"]["content"]["application/json"]["schema"], answer.json)


@pytest.mark.parametrize("name", MODELS)
def test_it_takes_the_rows_that_the_model_takes(servers: Servers, name: str) -> None:
    """Rows of the test's data are valid by the document, as lists and as objects; a row without a value is not."""
    server = servers[name]
    document = server.request("GET", "/openapi.json").json
    schema = document["components"]["schemas"]["V1Request"]
    names = list(server.model.rows)
    rows = [list(row) for row in zip(*server.model.rows.values(), strict=True)]
    assert server.post(server.v1, {"instances": rows}).status == 200
    check(document, schema, {"instances": rows})
    check(document, schema, {"instances": [dict(zip(names, row, strict=True)) for row in rows]})
    assert not validator(document, schema).is_valid({"instances": [rows[0][:-1]]})
    assert server.post(server.v1, {"instances": [rows[0][:-1]]}).status == 400


def test_the_page_has_a_field_for_each_feature(servers: Servers) -> None:
    """Names are escaped, what it may load is nothing, and the digest is on it."""
    server = servers["people"]
    answer = server.request("GET", "/docs")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    text = answer.body.decode()
    assert text.count("data-kind=") == len(server.model.signature.inputs)
    assert server.model.digest in text


def test_the_start_is_announced(servers: Servers) -> None:
    """One line of the log names model, digest and where it answers, with a curl that a shell takes."""
    server = servers["iris"]
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if '"message":"serving"' in line]
    (line,) = lines
    assert (line["model"], line["digest"], line["url"]) == ("iris", server.model.digest, server.url)
    assert line["curl"].startswith("curl -H 'content-type: application/json' http://127.0.0.1:")


def validator(document: dict, schema: dict) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def check(document: dict, schema: dict, value: object) -> None:
    validator(document, schema).validate(value)
