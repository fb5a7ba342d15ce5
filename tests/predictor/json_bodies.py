"""Bodies of JSON with long lists of numbers and texts, right ones and hostile ones, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from artifact.signature import Feature, Signature

_LONG = "[" + "7," * 40 + "1]"  # an array, where nothing else belongs
# In the place of a number: what JSON, a float64, an int64 or a signature may take for something else.
TOKENS = (
    *("-0", "-0.0", "5", "5.0", "2.5", "1E2", "1e-400", "5e-324", "3.4e38", "3.5e38", "1e400", "-1e400", "0e99999"),
    *("9007199254740992", "9007199254740993", "-9007199254740993", "9007199254740993.0", "16777217", "128", "-129"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615"),
    *("18446744073709551616", "123456789012345678901234567890", "1" + "0" * 400, "0.1234567890123456789012345"),
    *("NaN", "Infinity", "-Infinity", "null", "true", '"5"', '"a:b"', '"[,]"', r'"\ud800"', r'"\u0031"', '"é"'),
    *("[5]", "[]", "[[5]]", "{}", '{"a":1}', '{"a":1,"a":2}', "01", "1.", ".5", "+1", "", "5,5", "5],[5"),
    *(_LONG, _LONG.replace("7", "7.5")),
)
_TEXTS = ('"x"', '"y"', '"ü"', '""', '", "', '"seven 7"', '"eight 88"', '"ein langer Text, 東京"', '" null "')
FREQUENT = ("x", "y", "ü", "", "seven 7", "ein langer Text, 東京")  # texts of most columns
_COLUMNS = {
    "floats": {"a": "float64", "b": "float64", "c": "float64"},
    "wholes": {"a": "int64", "b": "int64"},
    "one": {"a": "float64"},
    "numbers": {"a": "float64", "b": "int64", "c": "float64"},
    "all": {"a": "float64", "b": "int64", "c": "bool", "d": "string"},
    "texts": {"t": "string", "u": "string"},
    "gaps": {"a": "float64", "b": "int64"},
    "times": {"a": "datetime", "b": "float64"},
}
_DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES", "datetime": "BYTES"}
_MEMBERS = (
    *('"parameters":{"x":["a",{"k":1,"k":2}]}', '"parameters":{}', '"data":[1]', '"z":1'),
    *(f'"parameters":{_LONG}', f'"parameters":{{"binary_data_size":{_LONG}}}', f'"parameters":{{"x":{_LONG}}}'),
)
_OTHERS = ("FP64", "FP32", "FP16", "INT64", "INT32", "INT8", "UINT8", "UINT64", "BOOL", "BYTES")


def _signature(kind: str) -> Signature:
    """The features of `kind`: those of `gaps` may be missing, and the whole numbers of `numbers` have a range."""
    features = [
        Feature(
            name, dtype, nullable=kind == "gaps", range=(-40, 60) if (kind, dtype) == ("numbers", "int64") else None
        )
        for name, dtype in _COLUMNS[kind].items()
    ]
    return Signature("regression", tuple(features), ())


SIGNATURES = {kind: _signature(kind) for kind in _COLUMNS}


def bodies(signature: Signature, protocol: str, count: int, seed: int) -> Iterator[bytes]:
    """`count` bodies of one signature; about a third of them are right."""
    draw = random.Random(f"{seed} {protocol} {signature.names}")
    for _ in range(count):
        rows = draw.choice((1, 2, 31, 32, 33, 64, 100))
        columns = {feature.name: [_token(draw, feature.dtype) for _ in range(rows)] for feature in signature.inputs}
        for _ in range(draw.choice((0, 0, 1, 2))):
            column = columns[draw.choice(signature.names)]
            column[draw.randrange(rows)] = draw.choice(TOKENS)
        text = _v1(draw, columns) if protocol == "v1" else _v2(draw, signature, columns, rows)
        yield _spoilt(draw, (" " * 2100 + text).encode())


def _token(draw: random.Random, dtype: str) -> str:
    match dtype:
        case "float64":
            return repr(round(draw.gauss(0, 30), draw.randrange(17))) if draw.random() < 0.95 else "7"
        case "int64":
            return str(draw.randrange(-30, 100))
        case "bool":
            return draw.choice(("true", "false"))
        case "datetime":
            return '"2026-03-29T12:30:00Z"'
        case _:
            return draw.choice(_TEXTS) if draw.random() < 0.998 else r'"\u00e9\n"'


def _v1(draw: random.Random, columns: dict[str, list[str]]) -> str:
    space = draw.choice(("", " ", "\n\t"))
    if draw.random() < 0.2:
        rows = ["{" + ",".join(f'"{name}":{value}' for name, value in zip(columns, row, strict=True)) + "}"
                for row in zip(*columns.values(), strict=True)]  # fmt: skip
    else:
        rows = [f"[{space}" + f"{space},".join(row) + "]" for row in zip(*columns.values(), strict=True)]
    members = ['"instances":[' + f",{space}".join(rows) + "]"]
    more = (
        "",
        '"probabilities":false',
        '"probabilities":1',
        '"instances":[]',
        '"inputs":[[1]]',
        r'"\u0069nputs":[]',
        f'"probabilities":{_LONG}',
        f'"inputs":{_LONG}',
    )
    if draw.random() < 0.3 and (member := draw.choice(more)):
        members.insert(draw.randrange(2), member)
    return "{" + ",".join(members) + "}"


def _v2(draw: random.Random, signature: Signature, columns: dict[str, list[str]], rows: int) -> str:
    width = len(columns)
    if draw.random() < 0.6:
        dtype = draw.choice(signature.inputs).dtype
        table = list(zip(*columns.values(), strict=True))
        flat = ",".join(",".join(row) for row in table)
        data = draw.choice((flat, ",".join("[" + ",".join(row) + "]" for row in table)))
        shape = draw.choice(([rows, width],) * 8 + ([width, rows], [rows], [rows, 1], [rows * width]))
        tensors = [_tensor(draw, "input-0", dtype, shape, data)]
    else:
        tensors = [
            _tensor(draw, feature.name, feature.dtype, draw.choice(([rows], [rows], [rows], [rows, 1], [rows + 1])),
                    draw.choice((",", ", ")).join(columns[feature.name]))
            for feature in signature.inputs
        ]  # fmt: skip
        draw.shuffle(tensors)
    members = [
        '"inputs":[' + ",".join(tensors) + "]",
        *draw.choice(
            (
                [],
                ['"id":"x"'],
                ['"id":"a:[b"'],
                ['"id":7'],
                [f'"id":{_LONG}'],
                [f'"outputs":{_LONG}'],
                [f'"parameters":{_LONG}'],
            )
        ),
    ]
    draw.shuffle(members)
    return "{" + ",".join(members) + "}"


def _tensor(draw: random.Random, name: str, dtype: str, shape: list[int], data: str) -> str:
    datatype = _DATATYPES[dtype] if draw.random() < 0.7 else draw.choice(_OTHERS)
    members = [f'"name":"{name}"', f'"datatype":"{datatype}"', f'"shape":{json.dumps(shape)}', f'"data":[{data}]']
    if draw.random() < 0.1:
        members.append(draw.choice(_MEMBERS))
    draw.shuffle(members)
    return "{" + ",".join(members) + "}"


def _spoilt(draw: random.Random, body: bytes) -> bytes:
    match draw.randrange(12):
        case 0:
            at = draw.randrange(2100, len(body))
            return body[:at] + bytes([draw.choice(b'[]{},:"\\0\xff\x00e-')]) + body[at + draw.randrange(2) :]
        case 1:
            return draw.choice(
                (b"\xef\xbb\xbf" + body, body + b" ]", body[: draw.randrange(2100, len(body))], b"[" + body)
            )
        case _:
            return body
