"""v2 requests with the binary tensor extension: JSON, then the tensors' bytes."""

from __future__ import annotations

import struct
from typing import Any

from tests.predictor.corpus import JSON, NAMES, ROW, V2, Case, by_feature, dumps, person_tensors

OCTETS = {"content-type": "application/octet-stream"}
LENGTH = "inference-header-content-length"
WIDE = struct.pack("<4d", *ROW)
LABEL = '"data":["setosa"]'


def text(*values: str | bytes) -> bytes:
    """A BYTES tensor's elements, each behind its length."""
    encoded = [value.encode() if isinstance(value, str) else value for value in values]
    return b"".join(struct.pack("<I", len(value)) + value for value in encoded)


def body(raw: bytes = WIDE, *, length: str | None = None, headers: dict[str, str] = OCTETS, **tensor: Any) -> Any:
    """(body, headers) with one tensor; `length` replaces the header's true value, `tensor` members of the tensor."""
    parameters = {"binary_data_size": len(raw)}
    described = {"name": "input-0", "shape": [1, 4], "datatype": "FP64", "parameters": parameters, **tensor}
    head = dumps({"inputs": [described]})
    return head + raw, {**headers, LENGTH: str(len(head)) if length is None else length}


def _case(name: str, status: int, says: str, request: Any, model: str = "iris") -> Case:
    sent, headers = request
    return Case(name, status, says, sent, model, V2, headers=headers)


def _wide(name: str, status: int, says: str, raw: bytes = WIDE, **changes: Any) -> Case:
    return _case(name, status, says, body(raw, **changes))


def _with_feature(title: str, status: int, says: str, feature: str, raw: bytes, **changes: Any) -> Case:
    """People, all in JSON but one feature; the changes are to its tensor."""
    tensors = person_tensors()
    for entry in tensors:
        if entry["name"] == feature:
            del entry["data"]
            entry |= {"parameters": {"binary_data_size": len(raw)}, **changes}
    head = dumps({"inputs": tensors})
    return _case(title, status, says, (head + raw, {**OCTETS, LENGTH: str(len(head))}), "people")


def _with_parameters(raw: bool, **more: Any) -> Any:
    head = dumps({"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP64", "data": ROW}], **more})
    return head, {**JSON, **({LENGTH: str(len(head))} if raw else {})}


def _several(names: list[str], tail: bytes = b"") -> Any:
    tensors = by_feature(names)
    for entry in tensors:
        del entry["data"]
        entry["parameters"] = {"binary_data_size": 8}
    head = dumps({"inputs": tensors})
    raw = b"".join(struct.pack("<d", ROW[NAMES.index(name)]) for name in names)
    return head + raw + tail, {**OCTETS, LENGTH: str(len(head))}


def _renamed() -> Any:
    sent, headers = _several(NAMES)
    return sent.replace(b"petal width", b"petal_width"), headers


LEGAL = [
    _wide("wide FP64", 200, LABEL),
    _wide("wide FP32", 200, LABEL, struct.pack("<4f", *ROW), datatype="FP32"),
    _wide("wide FP16", 200, LABEL, struct.pack("<4e", *ROW), datatype="FP16"),
    _wide("wide INT8", 200, LABEL, struct.pack("<4b", 5, 3, 1, 0), datatype="INT8"),
    _wide("wide UINT64", 200, LABEL, struct.pack("<4Q", 5, 3, 1, 0), datatype="UINT64"),
    _wide("two rows", 200, "virginica", WIDE + struct.pack("<4d", 6, 2, 5, 1.9), shape=[2, 4]),
    _wide("said to be JSON", 200, LABEL, headers=JSON),
    _wide("no content type", 200, LABEL, headers={}),
    _case("by feature", 200, LABEL, _several(NAMES)),
    _case("by feature in another order", 200, LABEL, _several(NAMES[::-1])),
    _case("the header on a body of JSON alone", 200, LABEL, _with_parameters(raw=True)),
    _case(
        "the label in binary",
        200,
        '"binary_data_size":10',
        _with_parameters(False, outputs=[{"name": "label", "parameters": {"binary_data": True}}]),
    ),
    _case(
        "everything in binary",
        200,
        '"binary_data_size":24',
        _with_parameters(False, parameters={"binary_data_output": True}),
    ),
    _with_feature("BOOL", 200, '"BOOL"', "smoker", b"\x01"),
    _with_feature("a boolean as FP64", 200, '"BOOL"', "smoker", struct.pack("<d", 1), datatype="FP64"),
    _with_feature("a missing boolean", 200, '"BOOL"', "smoker", struct.pack("<f", float("nan")), datatype="FP32"),
    _with_feature("a missing number", 200, '"BOOL"', "größe (cm)", struct.pack("<d", float("nan"))),
    _with_feature("BYTES", 200, '"BOOL"', "city", text("東京")),
    _with_feature("BYTES, empty", 200, '"BOOL"', "city", text("")),
]

WRONG_LENGTH = [
    *[
        _wide(f"a header length of {length!r}", 400, "inference-header-content-length", length=length)
        for length in ("", "abc", "-1", "1.5", "1e2", "+90", "9" * 30, "100000", "0x10", "10, 10")
    ],
    _wide("a header length of 0", 400, "not JSON", length="0"),
    _wide("a header length into the JSON", 400, "not JSON", length="20"),
    _wide("a header length past the JSON", 400, "JSON", b"\xff" * 32, length="120"),
    _wide("a byte too few", 400, "31 bytes", WIDE[:-1]),
    _wide("a byte too many", 400, "33 bytes", WIDE + b"\0"),
    _wide("a size that claims less", 400, "bytes", parameters={"binary_data_size": 24}),
    _wide("a size that claims more", 400, "32 bytes are left", parameters={"binary_data_size": 33}),
    _wide("a negative size", 400, "binary_data_size -1", parameters={"binary_data_size": -1}),
    _wide("a size of 32.0", 400, "binary_data_size 32.0", parameters={"binary_data_size": 32.0}),
    _wide("a size of text", 400, "binary_data_size '32'", parameters={"binary_data_size": "32"}),
    _wide("a size of true", 400, "binary_data_size True", parameters={"binary_data_size": True}),
    _wide("data and bytes", 400, "both", data=ROW),
    _wide("neither data nor bytes", 400, "neither", parameters={}),
    _wide("no rows", 400, "no rows", b"", shape=[0, 4]),
    _wide("a shape of more than there is", 400, "not [rows, 4]", shape=[2**60, 2**60]),
    _case("bytes after the last tensor", 400, "1 bytes follow", _several(NAMES, b"\0")),
    _case("an unknown tensor", 400, "unknown feature 'petal_width (cm)'", _renamed()),
    _case("octets without the header", 415, "application/json", (WIDE, OCTETS)),
]

WRONG_VALUE = [
    _wide(
        "NaN where nothing may be missing",
        400,
        "'petal width (cm)', row 0: missing",
        struct.pack("<4d", 5, 3, 1, float("nan")),
    ),
    _wide("infinity", 400, "'petal width (cm)', row 0: inf", struct.pack("<4d", 5, 3, 1, float("inf"))),
    _wide(
        "out of range in the second row",
        400,
        "'sepal length (cm)', row 1: 101.0",
        WIDE + struct.pack("<4d", 101, 1, 1, 1),
        shape=[2, 4],
    ),
    _wide("BOOL for numbers", 400, "does not fit float64", b"\1\0\1\0", datatype="BOOL"),
    _wide("BYTES for numbers", 400, "row 0: '5.1' is text", text("5.1", "3.5", "1.4", "0.2"), datatype="BYTES"),
    _wide("BYTES that are no elements", 400, "4 elements", b"\xff" * 32, datatype="BYTES"),
    _wide("a transposed shape", 400, "shape [4, 1]", shape=[4, 1]),
    _with_feature("a BOOL byte of 2", 400, "'smoker'", "smoker", b"\x02"),
    _with_feature("BYTES cut short", 400, "'city'", "city", text("Bonn")[:-1]),
    _with_feature("BYTES with a byte behind", 400, "'city'", "city", text("Bonn") + b"\0"),
    _with_feature("BYTES of two elements", 400, "'city'", "city", text("Bonn", "Ulm")),
    _with_feature("BYTES with a length past the end", 400, "'city'", "city", struct.pack("<I", 0xFFFFFFFF) + b"Bonn"),
    _with_feature("BYTES with half a length", 400, "'city'", "city", b"\1\0"),
    _with_feature("BYTES that are not UTF-8", 400, "'city'", "city", text(b"\xff\xfe")),
    _with_feature("BYTES with an encoded surrogate", 400, "'city'", "city", text(b"\xed\xa0\x80")),
    _with_feature(
        "5.9 for a whole number", 400, "'rooms', row 0: 5.9", "rooms", struct.pack("<d", 5.9), datatype="FP64"
    ),
    _with_feature(
        "1e300 for a whole number", 400, "'rooms', row 0: 1e+300", "rooms", struct.pack("<d", 1e300), datatype="FP64"
    ),
    _with_feature(
        "a whole number below its range", 400, "'rooms', row 0: -1 is below 0", "rooms", struct.pack("<q", -1)
    ),
    _with_feature("2 for a boolean", 400, "'smoker', row 0: 2.0", "smoker", struct.pack("<d", 2), datatype="FP64"),
    _with_feature("a boolean as INT8", 400, "'smoker'", "smoker", b"\1", datatype="INT8"),
    _with_feature("an undeclared category", 400, "'grade', row 0: 'd'", "grade", text("d")),
    _case(
        "2**53 + 1 for a float64",
        400,
        "'x', row 0: 9007199254740993",
        body(struct.pack("<q", 2**53 + 1), name="x", shape=[1], datatype="INT64"),
        "echo",
    ),
    _case(
        "-2**53 - 1 for a float64",
        400,
        "-9007199254740993",
        body(struct.pack("<q", -(2**53) - 1), name="x", shape=[1], datatype="INT64"),
        "echo",
    ),
    _case(
        "2**64 - 1 for a float64",
        400,
        "18446744073709551615",
        body(struct.pack("<Q", 2**64 - 1), name="x", shape=[1], datatype="UINT64"),
        "echo",
    ),
    _case(
        "2**63 - 1 for a float64",
        400,
        "9223372036854775807",
        body(struct.pack("<q", 2**63 - 1), name="x", shape=[1], datatype="INT64"),
        "echo",
    ),
    _case(
        "2**60 for a float64",
        200,
        "1.152921504606847e",
        body(struct.pack("<q", 2**60), name="x", shape=[1], datatype="INT64"),
        "echo",
    ),
    _case(
        "2**63 for an int64",
        400,
        "9223372036854775808",
        body(struct.pack("<2Q", 2**63, 0), shape=[1, 2], datatype="UINT64"),
        "counts",
    ),
    _case("NaN for an int64", 400, "'left', row 0", body(struct.pack("<2d", float("nan"), 0), shape=[1, 2]), "counts"),
    _case(
        "infinity for an int64", 400, "'left', row 0", body(struct.pack("<2d", float("inf"), 0), shape=[1, 2]), "counts"
    ),
    _case(
        "2**63 as FP64 for an int64", 400, "'left', row 0", body(struct.pack("<2d", 2.0**63, 0), shape=[1, 2]), "counts"
    ),
    _case(
        "-2**63 as FP64 for an int64", 200, '"INT64"', body(struct.pack("<2d", -(2.0**63), 0), shape=[1, 2]), "counts"
    ),
]

CASES = [*LEGAL, *WRONG_LENGTH, *WRONG_VALUE]
