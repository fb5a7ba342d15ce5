"""v1 requests: `{"instances": [...]}`."""

from __future__ import annotations

from tests.predictor.corpus import NAMES, ROW, SETOSA, Case, dumps, person

NAMED = dict(zip(NAMES, ROW, strict=True))
DEEP = 100_000
PREDICTED = '"predictions":['


def rows(*values: object) -> bytes:
    """A v1 body with these rows."""
    return dumps({"instances": list(values)})


def cell(text: str) -> bytes:
    """A v1 body of iris whose last value is the JSON text `text`."""
    return f'{{"instances":[[5.1,3.5,1.4,{text}]]}}'.encode()


def _person(name: str, status: int, says: str, **changes: str) -> Case:
    return Case(name, status, says, person(**changes), "people")


LEGAL = [
    Case("rows as lists", 200, SETOSA, rows(ROW)),
    Case("two rows", 200, '"predictions":["setosa","setosa"]', rows(ROW, ROW)),
    Case("rows as objects", 200, SETOSA, rows(NAMED)),
    Case("features in another order", 200, SETOSA, rows(dict(reversed(NAMED.items())))),
    Case("each row in an order of its own", 200, '["setosa","setosa"]', rows(NAMED, dict(reversed(NAMED.items())))),
    Case("inputs for instances", 200, SETOSA, dumps({"inputs": [ROW]})),
    Case("probabilities", 200, '"probabilities":[[0.9', dumps({"instances": [ROW], "probabilities": True})),
    Case("no probabilities", 200, '["setosa"]}', dumps({"instances": [ROW], "probabilities": False})),
    Case("whole numbers for floats", 200, SETOSA, rows([5, 3, 1, 0])),
    Case("exponents", 200, SETOSA, b'{"instances":[[51E-1,0.35e+1,1.4e0,2e-1]]}'),
    Case("more digits than a float has", 200, SETOSA, cell("0.2000000000000000000000000000000000001")),
    Case("minus zero", 200, SETOSA, cell("-0.0")),
    Case("a denormal", 200, SETOSA, cell("5e-324")),
    Case("underflow to zero", 200, SETOSA, cell("1e-400")),
    Case("white space", 200, SETOSA, b' \r\n\t{ "instances" :\n[ [5.1, 3.5,1.4,\t0.2] ] }\n\n'),
    Case("escaped feature names", 200, SETOSA, rows(NAMED).replace(b"sepal", b"\\u0073epal")),
    Case("a byte order mark", 200, SETOSA, b"\xef\xbb\xbf" + rows(ROW)),
    Case("a range's very end", 200, '"predictions":["', rows([100, 0, 100.0, 0.0])),
    _person("every type", 200, PREDICTED),
    _person("missing number", 200, PREDICTED, size="null"),
    _person("missing boolean", 200, PREDICTED, smoker="null"),
    _person("missing text", 200, PREDICTED, city="null"),
    _person("NaN where missing is allowed", 200, PREDICTED, size="NaN"),
    _person("NaN for a missing boolean", 200, PREDICTED, smoker="NaN"),
    _person("5.0 for a whole number", 200, PREDICTED, rooms="5.0"),
    _person("5e0 for a whole number", 200, PREDICTED, rooms="5e0"),
    _person("a text never seen", 200, PREDICTED, city='"Ulm"'),
    _person("an empty text", 200, PREDICTED, city='""'),
    _person("a text that looks like a number", 200, PREDICTED, city='"12345678901234567890123"'),
    _person("a text with colons", 200, PREDICTED, city='"a:b\\":c"'),
    _person("a long text", 200, PREDICTED, city=f'"{"x" * 1_000_000}"'),
    _person("a text with NUL", 200, PREDICTED, city='"a\\u0000b"'),
    _person("an emoji as surrogates", 200, PREDICTED, city='"\\ud83d\\ude00"'),
    _person("an escaped category", 200, PREDICTED, grade='"\\u00e7"'),
    _person("a great whole number that is a float", 200, PREDICTED, size=str(2**60)),
    Case("the ends of int64", 200, PREDICTED, rows([2**63 - 1, -(2**63)]), "counts"),
]

NOT_A_REQUEST = [
    Case("no body", 400, "not JSON"),
    Case("white space only", 400, "not JSON", b"  \n"),
    Case("cut short", 400, "not JSON", b'{"instances":[[5.1,'),
    Case("trailing comma", 400, "not JSON", b'{"instances":[[5.1,3.5,1.4,0.2],]}'),
    Case("single quotes", 400, "not JSON", b"{'instances':[[5.1,3.5,1.4,0.2]]}"),
    Case("two documents", 400, "not JSON", rows(ROW) * 2),
    Case("a comment", 400, "not JSON", b"/* */" + rows(ROW)),
    Case("a number with a leading zero", 400, "not JSON", cell("00.2")),
    Case("a hexadecimal number", 400, "not JSON", cell("0x1")),
    Case("a bare word", 400, "not JSON", cell("none")),
    Case("a form", 415, "application/json", b"a=1", headers={"content-type": "application/x-www-form-urlencoded"}),
    Case("invalid UTF-8", 400, "UTF-8", b'{"instances":[["\xff\xfe"]]}'),
    Case("overlong UTF-8", 400, "UTF-8", b'{"instances":[["\xc0\xaf"]]}'),
    Case("UTF-16", 400, "UTF-8", rows(ROW).decode().encode("utf-16")),
    Case("UTF-32", 400, "", rows(ROW).decode().encode("utf-32-le")),
    Case("a NUL byte", 400, "not JSON", b"\x00" + rows(ROW)),
    Case("a control character in a text", 400, "not JSON", b'{"instances":[["a\nb"]]}'),
    Case("nesting without end", 400, "nested too deep", b"[" * DEEP),
    Case("deep nesting of lists", 400, "", b'{"instances":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    Case("deep nesting of objects", 400, "", b'{"instances":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}"),
    Case("nesting of 1000", 400, "", b'{"instances":' + b"[" * 1000 + b"]" * 1000 + b"}"),
    Case("nesting of 900 beside a doubled key", 400, "", b'{"a":1,"a":' + b"[" * 900 + b"]" * 900 + b"}"),
    Case("null", 400, "not an object", b"null"),
    Case("a list", 400, "not an object", dumps([ROW])),
    Case("a number", 400, "not an object", b"5"),
    Case("a text", 400, "not an object", b'"instances"'),
    Case("an empty object", 400, "instances", b"{}"),
    Case("an unknown key", 400, "'rows'", dumps({"rows": [ROW]})),
    Case("an unknown key beside", 400, "'parameters'", dumps({"instances": [ROW], "parameters": {}})),
    Case("a key of 100 KB", 400, "unknown key", dumps({"x" * 100_000: 1})),
    Case("a key of newlines", 400, "unknown key", dumps({"\n\r\t": 1})),
    Case("a key that is a lone surrogate", 400, "unknown key", b'{"\\ud800":1}'),
    Case("instances and inputs", 400, "once", dumps({"instances": [ROW], "inputs": [ROW]})),
    Case("instances twice", 400, "twice", b'{"instances":[[1,1,1,1]],"instances":[[5.1,3.5,1.4,0.2]]}'),
    Case("instances null", 400, "not a list", b'{"instances":null}'),
    Case("instances an object", 400, "not a list", dumps({"instances": NAMED})),
    Case("instances a text", 400, "not a list", b'{"instances":"5.1"}'),
    Case("no rows", 400, "no rows", rows()),
    Case("probabilities as text", 400, "probabilities", dumps({"instances": [ROW], "probabilities": "true"})),
    Case("probabilities as 1", 400, "probabilities", dumps({"instances": [ROW], "probabilities": 1})),
    Case("probabilities null", 400, "probabilities", dumps({"instances": [ROW], "probabilities": None})),
    Case(
        "probabilities of a model without",
        400,
        "no probabilities",
        dumps({"instances": [[1, 2]], "probabilities": True}),
        "counts",
    ),
]

NOT_A_ROW = [
    Case("one row without its brackets", 400, "row 0", rows(*ROW)),
    Case("an empty row", 400, "row 0 has 0 values", rows([])),
    Case("a row too short", 400, "row 0 has 3 values, expected 4", rows(ROW[:3])),
    Case("a row too long", 400, "row 0 has 5 values, expected 4", rows([*ROW, 1])),
    Case("a second row too short", 400, "row 1 has 3 values", rows(ROW, ROW[:3])),
    Case("a row of null", 400, "row 0", rows(None)),
    Case("a row of text", 400, "row 0", rows("5.1,3.5,1.4,0.2")),
    Case("a text of four letters", 400, "row 1", rows(ROW, "abcd")),
    Case("a level of nesting too many", 400, "row 0", rows([ROW])),
    Case("lists, then an object", 400, "row 1", rows(ROW, NAMED)),
    Case("objects, then a list", 400, "row 1", rows(NAMED, ROW)),
    Case("objects, then null", 400, "row 1", rows(NAMED, None)),
    Case("a list in a cell", 400, "row 0: [0.2] is a list", cell("[0.2]")),
    Case("an object in a cell", 400, "row 0: {} is an object", cell("{}")),
    Case("an empty object row", 400, "row 0: missing", rows({})),
    Case("a feature missing", 400, "missing 'petal width (cm)'", rows(dict(list(NAMED.items())[:3]))),
    Case("a feature missing in the second row", 400, "row 1", rows(NAMED, dict(list(NAMED.items())[:3]))),
    Case("an unknown feature beside", 400, "unknown feature 'x'", rows({**NAMED, "x": 1})),
    Case("a feature misspelt", 400, "did you mean", rows({**dict(list(NAMED.items())[:3]), "petal widht (cm)": 1})),
    Case("a feature in capitals", 400, "unknown feature", rows({name.upper(): 1 for name in NAMES})),
    Case("a feature with a space behind", 400, "unknown feature", rows({**NAMED, f"{NAMES[0]} ": 1})),
    Case("a feature twice", 400, "twice", rows(NAMED)[:-3] + b',"petal width (cm)":9}]}'),
    Case("a feature twice, once escaped", 400, "twice", rows(NAMED)[:-3] + b',"\\u0070etal width (cm)":9}]}'),
    Case("a feature twice in the second row", 400, "twice", rows(NAMED, NAMED)[:-3] + b',"petal width (cm)":9}]}'),
]

WRONG_VALUE = [
    Case("a number as text", 400, "'petal width (cm)', row 0: '0.2' is text", cell('"0.2"')),
    Case("an empty text for a number", 400, "row 0: '' is text", cell('""')),
    Case("a boolean for a number", 400, "row 0: True is a boolean", cell("true")),
    Case("null where nothing may be missing", 400, "'petal width (cm)', row 0: missing", cell("null")),
    Case("NaN where nothing may be missing", 400, "'petal width (cm)', row 0: missing", cell("NaN")),
    Case("Infinity", 400, "'petal width (cm)', row 0: inf", cell("Infinity")),
    Case("minus Infinity", 400, "row 0: -inf", cell("-Infinity")),
    Case("overflow to infinity", 400, "row 0: inf", cell("1e999")),
    Case("below the range", 400, "'petal width (cm)', row 0: -0.1 is below 0", cell("-0.1")),
    Case("above the range", 400, "row 0: 100.00000000000001 is above 100", cell("100.00000000000001")),
    Case("the wrong row is named", 400, "'sepal width (cm)', row 2", rows(ROW, ROW, [5.1, "x", 1.4, 0.2], ROW)),
    Case("a text of 100 KB for a number", 400, "row 0: 'xxxx", cell(f'"{"x" * 100_000}"')),
    Case("a text of newlines for a number", 400, "is text", cell('"\\n\\r\\u2028"')),
    Case("an integer of 5000 digits", 400, "", cell("9" * 5000)),
    Case("an integer of 400 digits", 400, "'größe (cm)', row 0", person(size="9" * 400), "people"),
    _person("2**53 + 1 for a float64", 400, "'größe (cm)', row 0: 9007199254740993", size=str(2**53 + 1)),
    _person("-2**53 - 1 for a float64", 400, "not exact", size=str(-(2**53) - 1)),
    _person("2**64 + 1 for a float64", 400, "18446744073709551617 is not exact", size=str(2**64 + 1)),
    _person("-2**63 - 1 for a float64", 400, "not exact", size=str(-(2**63) - 1)),
    _person("a number the model cannot compute with", 400, "'größe (cm)', row 0: 1e+308", size="1e308"),
    _person("5.9 for a whole number", 400, "'rooms', row 0: 5.9 is not a whole number", rooms="5.9"),
    _person("a whole number as text", 400, "'rooms', row 0: '5' is text", rooms='"5"'),
    _person("a boolean for a whole number", 400, "'rooms', row 0: True is a boolean", rooms="true"),
    _person("null for a whole number", 400, "'rooms', row 0: missing", rooms="null"),
    _person("NaN for a whole number", 400, "'rooms', row 0", rooms="NaN"),
    _person("1e999 for a whole number", 400, "'rooms', row 0", rooms="1e999"),
    _person("a whole number above its range", 400, "'rooms', row 0: 51 is above 50", rooms="51"),
    Case("2**63 for int64", 400, "'left', row 0: 9223372036854775808", rows([2**63, 0]), "counts"),
    Case("-2**63 - 1 for int64", 400, "'left', row 0: -9223372036854775809", rows([-(2**63) - 1, 0]), "counts"),
    Case("1e300 for int64", 400, "'left', row 0: 1e+300", b'{"instances":[[1e300,0]]}', "counts"),
    _person("false as text", 400, "'smoker', row 0: 'false' is text", smoker='"false"'),
    _person("0 for false", 400, "'smoker', row 0: 0 is a whole number", smoker="0"),
    _person("1.0 for true", 400, "'smoker', row 0: 1.0", smoker="1.0"),
    _person("a number for a text", 400, "'city', row 0: 5 is a whole number", city="5"),
    _person("a boolean for a text", 400, "'city', row 0: False is a boolean", city="false"),
    _person("a list for a text", 400, "'city', row 0", city='["Bonn"]'),
    _person("a lone surrogate", 400, "'city', row 0", city='"\\ud800"'),
    _person("surrogates in the wrong order", 400, "'city', row 0", city='"\\ude00\\ud83d"'),
    _person("an undeclared category", 400, "'grade', row 0: 'd' is not one of", grade='"d"'),
    _person("a category in capitals", 400, "'grade', row 0: 'A'", grade='"A"'),
    _person("a category in another normal form", 400, "'grade', row 0", grade='"c\u0327"'),
    _person("a category missing", 400, "'grade', row 0: missing", grade="null"),
    _person("a category of 100 KB", 400, "'grade', row 0", grade=f'"{"東" * 30_000}"'),
]

CASES = [*LEGAL, *NOT_A_REQUEST, *NOT_A_ROW, *WRONG_VALUE]
