"""v2 requests in JSON: one wide tensor, or one tensor a feature."""

from __future__ import annotations

from tests.predictor.corpus import NAMES, ROW, V2, Case, by_feature, dumps, inputs, person_tensors, tensor, wide

LABEL = '"data":["setosa"]'
TWO = "[5.1,3.5,1.4,0.2,6.0,2.0,5.0,1.9]"


def _case(name: str, status: int, says: str, body: bytes, model: str = "iris") -> Case:
    return Case(name, status, says, body, model, V2)


def _wide(name: str, status: int, says: str, data: str = "[5.1,3.5,1.4,0.2]", **texts: str) -> Case:
    return _case(name, status, says, wide(data, **texts))


def _by(title: str, status: int, says: str, **changes: object) -> Case:
    """One tensor a feature; the changes are to the last one, `petal width (cm)`."""
    return _case(title, status, says, inputs(*by_feature(**changes)))


def _person(title: str, status: int, says: str, **changes: dict[str, object]) -> Case:
    return _case(title, status, says, inputs(*person_tensors(**changes)), "people")


LEGAL = [
    _wide("wide, flat", 200, LABEL),
    _wide("wide, nested", 200, LABEL, "[[5.1,3.5,1.4,0.2]]"),
    _wide("wide, two rows flat", 200, '["setosa","virginica"]', TWO, shape="[2,4]"),
    _wide("wide, two rows nested", 200, "virginica", "[[5.1,3.5,1.4,0.2],[6,2,5,1.9]]", shape="[2,4]"),
    _wide("wide FP32", 200, LABEL, datatype='"FP32"'),
    _wide("wide FP16", 200, LABEL, datatype='"FP16"'),
    *[
        _wide(f"wide {datatype}", 200, LABEL, "[5,3,1,0]", datatype=f'"{datatype}"')
        for datatype in ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")
    ],
    _wide("5.0 in INT32", 200, LABEL, "[5.0,3,1,0]", datatype='"INT32"'),
    _wide("whole numbers in FP64", 200, LABEL, "[5,3,1,0]"),
    _wide("an id in every script", 200, '"id":"ü-東-😀-\u200d"', more=',"id":"ü-東-😀-\u200d"'),
    _wide("an id with quotes and newlines", 200, r'"id":"\"\\\n\u0000"', more=r',"id":"\"\\\n\u0000"'),
    _wide("no id", 200, '{"model_name":"iris","model_version":"sha256-', more=',"id":null'),
    _wide("parameters unknown here", 200, LABEL, more=',"parameters":{"trace":1,"content_type":"np"}'),
    _wide(
        "only the label", 200, '[{"name":"label","datatype":"BYTES","shape":[1]', more=',"outputs":[{"name":"label"}]'
    ),
    _wide("only probabilities", 200, '[{"name":"probabilities"', more=',"outputs":[{"name":"probabilities"}]'),
    _wide("no outputs named", 200, LABEL, more=',"outputs":[]'),
    _wide("the model's name repeated", 200, LABEL, more=',"model_name":"iris"'),
    _by("by feature", 200, LABEL),
    _case("by feature in another order", 200, LABEL, inputs(*by_feature(NAMES[::-1]))),
    _by("by feature, shape [rows, 1]", 200, LABEL, shape=[1, 1]),
    _by("by feature, nested", 200, LABEL, shape=[1, 1], data=[[0.2]]),
    _by("by feature, types mixed", 200, LABEL, datatype="FP32"),
    _person("every type", 200, '"datatype":"BOOL"'),
    _person("null for a missing number", 200, '"BOOL"', size={"data": [None]}),
    _person("null for a missing boolean", 200, '"BOOL"', smoker={"data": [None]}),
    _person("null for a missing text", 200, '"BOOL"', city={"data": [None]}),
    _person("a marker for a missing text", 200, '"BOOL"', city={"data": ["-"], "parameters": {"missing": "-"}}),
    _person("a whole number as FP64", 200, '"BOOL"', rooms={"datatype": "FP64", "data": [3.0]}),
    _case("the one feature of a model", 200, '"data":[0.1]', inputs(tensor("x", [0.1])), "echo"),
    _case("the one feature of a model, wide", 200, '"data":[0.1]', wide("[0.1]", "[1,1]"), "echo"),
    _case("whole numbers", 200, '"datatype":"INT64"', wide("[1,2]", "[1,2]", '"INT64"'), "counts"),
]

NOT_A_REQUEST = [
    _case("empty", 400, "not JSON", b""),
    _case("a list", 400, "not an object", b"[]"),
    _case("no inputs", 400, "'inputs'", b"{}"),
    _case("inputs empty", 400, "'inputs'", b'{"inputs":[]}'),
    _case("inputs an object", 400, "'inputs'", b'{"inputs":{}}'),
    _case("inputs null", 400, "'inputs'", b'{"inputs":null}'),
    _case("inputs of text", 400, "not an object", b'{"inputs":["input-0"]}'),
    _case("a v1 body", 400, "unknown key 'instances'", dumps({"instances": [ROW]})),
    _wide("an unknown key", 400, "unknown key 'rows'", more=',"rows":1'),
    _wide("inputs twice", 400, "twice", more=',"inputs":[]'),
    _wide("an id that is a number", 400, "'id'", more=',"id":5'),
    _wide("an id that is a lone surrogate", 400, "'id'", more=',"id":"\\ud800"'),
    _wide("parameters a list", 400, "'parameters'", more=',"parameters":[]'),
    _wide("outputs an object", 400, "'outputs'", more=',"outputs":{}'),
    _wide("outputs of text", 400, "an output", more=',"outputs":["label"]'),
    _wide("an output without a name", 400, "an output", more=',"outputs":[{}]'),
    _wide("an unknown output", 400, "unknown output 'score'", more=',"outputs":[{"name":"score"}]'),
    _wide("an output twice", 400, "twice", more=',"outputs":[{"name":"label"},{"name":"label"}]'),
    _wide("an output with an unknown key", 400, "unknown key", more=',"outputs":[{"name":"label","shape":[1]}]'),
    _wide(
        "binary_data as text",
        400,
        "binary_data",
        more=',"outputs":[{"name":"label","parameters":{"binary_data":"no"}}]',
    ),
    _wide("binary_data_output as 1", 400, "binary_data_output", more=',"parameters":{"binary_data_output":1}'),
    _case("deep nesting", 400, "", b'{"inputs":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
]

WRONG_TENSOR = [
    _by("no name", 400, "no name", name=None),
    _by("a name that is a number", 400, "no name", name=5),
    _by("an empty name", 400, "unknown feature ''", name=""),
    _by("no datatype", 400, "datatype None", datatype=None),
    _by("a datatype in small letters", 400, "datatype 'fp64'", datatype="fp64"),
    _by("an unknown datatype", 400, "datatype 'FP128'", datatype="FP128"),
    _by("a datatype of 100 KB", 400, "datatype", datatype="x" * 100_000),
    _by("no shape", 400, "shape None", shape=None),
    _by("a shape that is a number", 400, "shape 1 ", shape=1),
    _by("an empty shape", 400, "shape []", shape=[]),
    _by("a negative dimension", 400, "shape [-1]", shape=[-1]),
    _by("a dimension of 1.0", 400, "shape [1.0]", shape=[1.0]),
    _by("a dimension of text", 400, "shape ['1']", shape=["1"]),
    _by("a dimension of true", 400, "shape [True]", shape=[True]),
    _by("a dimension of 2**70", 400, "'petal width (cm)'", shape=[2**70]),
    _by("a shape of three dimensions", 400, "'petal width (cm)'", shape=[1, 1, 1], data=[[[0.2]]]),
    _by("a shape of 1000 dimensions", 400, "'petal width (cm)'", shape=[1] * 1000),
    _case(
        "a shape of 900 dimensions, nested",
        400,
        "'petal width (cm)'",
        inputs(*by_feature(shape=[1] * 900, data="?")).replace(b'"?"', b"[" * 900 + b"0.2" + b"]" * 900),
    ),
    _by("two columns for a feature", 400, "not one value a row", shape=[1, 2], data=[0.2, 0.3]),
    _by("a column lying down", 400, "different", shape=[2], data=[0.2, 0.3]),
    _by("no data", 400, "'data'", data=None),
    _by("data a number", 400, "'data' is not a list", data=0.2),
    _by("data a text", 400, "'data' is not a list", data="0.2"),
    _by("data an object", 400, "'data' is not a list", data={}),
    _by("data empty", 400, "0 values", data=[]),
    _by("a value too many", 400, "2 values", data=[0.2, 0.3]),
    _by("an unknown key in a tensor", 400, "unknown key 'dtype'", dtype="FP64"),
    _by("binary_data_size without a binary part", 400, "both 'data' and", parameters={"binary_data_size": 8}),
    _by("nested where the shape is flat", 400, "'petal width (cm)'", data=[[0.2]]),
    _case("data twice", 400, "twice", wide("[9,9,9,9]").replace(b'"data"', b'"data":[5.1,3.5,1.4,0.2],"data"')),
    _wide("a transposed shape", 400, "shape [4, 1] is not [rows, 4]", shape="[4,1]"),
    _wide("one row without its second dimension", 400, "shape [4] is not [rows, 4]", shape="[4]"),
    _wide("transposed nesting", 400, "'input-0'", "[[5.1],[3.5],[1.4],[0.2]]"),
    _wide("rows of two lengths", 400, "'input-0'", "[[5.1,3.5,1.4],[0.2,6.0,2.0,5.0,1.9]]", shape="[2,4]"),
    _wide("half nested", 400, "'input-0'", "[[5.1,3.5,1.4,0.2],6.0,2.0,5.0,1.9]", shape="[2,4]"),
    _wide("flat, then nested", 400, "'input-0'", "[5.1,3.5,1.4,[0.2]]"),
    _wide("nested too deep", 400, "'input-0'", "[[[5.1],[3.5],[1.4],[0.2]]]"),
    _wide("a value too few", 400, "3 values", "[5.1,3.5,1.4]"),
    _wide("a row too many", 400, "8 values", TWO),
    _wide("a nested row too many", 400, "2 nested lists", "[[5.1,3.5,1.4,0.2],[6,2,5,1.9]]"),
    _wide("a column too many", 400, "not [rows, 4]", "[1,2,3,4,5]", shape="[1,5]"),
    _wide("three dimensions", 400, "shape [1, 2, 2]", shape="[1,2,2]"),
    _wide("no rows", 400, "no rows", "[]", shape="[0,4]"),
    _wide("no columns", 400, "shape [4, 0]", "[]", shape="[4,0]"),
    _case("wide for features of different types", 400, "different types", wide("[1,2,3,4,5]", "[1,5]"), "people"),
]

WRONG_SET = [
    _case("another name for the wide tensor", 400, "unknown feature 'input-1'", wide().replace(b"input-0", b"input-1")),
    _case(
        "the wide tensor twice", 400, "'input-0' is given twice", inputs(*[tensor("input-0", ROW, shape=[1, 4])] * 2)
    ),
    _case("a second tensor", 400, "unknown feature", inputs(tensor("input-0", ROW, shape=[1, 4]), tensor("x", [1.0]))),
    _case(
        "the wide tensor beside the features",
        400,
        "unknown feature 'input-0'",
        inputs(*by_feature(), tensor("input-0", [1.0])),
    ),
    _case("a feature twice", 400, "given twice", inputs(*by_feature(), by_feature()[0])),
    _case("a feature missing", 400, "missing 'petal width (cm)'", inputs(*by_feature(NAMES[:3]))),
    _case("an unknown feature", 400, "unknown feature 'x'", inputs(*by_feature(), tensor("x", [1.0]))),
    _case("one feature only", 400, "missing", inputs(tensor(NAMES[0], [5.1]))),
]

WRONG_VALUE = [
    _wide("text in FP64", 400, "'x' does not fit FP64", '[5.1,3.5,1.4,"x"]'),
    _wide("a boolean in FP64", 400, "does not fit FP64", "[5.1,3.5,1.4,true]"),
    _wide("null where nothing may be missing", 400, "'petal width (cm)', row 0: missing", "[5.1,3.5,1.4,null]"),
    _wide("NaN where nothing may be missing", 400, "'petal width (cm)', row 0: missing", "[5.1,3.5,1.4,NaN]"),
    _wide("Infinity", 400, "'petal width (cm)', row 0: inf", "[5.1,3.5,1.4,Infinity]"),
    _wide("1e999", 400, "row 0: inf", "[5.1,3.5,1.4,1e999]"),
    _wide(
        "the row is named", 400, "'sepal width (cm)', row 1: 200.0 is above", TWO.replace("2.0", "200.0"), shape="[2,4]"
    ),
    _wide("5.9 in INT32", 400, "position 0: 5.9 does not fit INT32", "[5.9,3,1,0]", datatype='"INT32"'),
    _wide("300 in INT8", 400, "position 1: 300 does not fit INT8", "[5,300,1,0]", datatype='"INT8"'),
    _wide("-1 in UINT8", 400, "-1 does not fit UINT8", "[5,3,1,-1]", datatype='"UINT8"'),
    _wide("2**63 in INT64", 400, "does not fit INT64", f"[5,3,1,{2**63}]", datatype='"INT64"'),
    _wide("2**64 in UINT64", 400, "does not fit UINT64", f"[5,3,1,{2**64}]", datatype='"UINT64"'),
    _wide("NaN in INT32", 400, "does not fit INT32", "[5,3,1,NaN]", datatype='"INT32"'),
    _wide("1e999 in INT32", 400, "does not fit INT32", "[5,3,1,1e999]", datatype='"INT32"'),
    _wide("null in INT32", 400, "row 0: missing, and the feature is not nullable", "[5,3,1,null]", datatype='"INT32"'),
    _wide("true in INT32", 400, "does not fit INT32", "[5,3,1,true]", datatype='"INT32"'),
    _wide("text in INT32", 400, "'0' does not fit INT32", '[5,3,1,"0"]', datatype='"INT32"'),
    _wide("1e39 in FP32", 400, "'petal width (cm)', row 0: inf", "[5,3,1,1e39]", datatype='"FP32"'),
    _wide("70000 in FP16", 400, "'petal width (cm)', row 0", "[5,3,1,70000.5]", datatype='"FP16"'),
    _wide("2**24 + 1 in FP32", 400, "16777217", "[5,3,1,16777217]", datatype='"FP32"'),
    _wide("10**400 in FP32", 400, "'input-0'", "[5,3,1,1" + "0" * 400 + "]", datatype='"FP32"'),
    _wide("10**400 in FP64", 400, "'petal width (cm)', row 0", "[5,3,1,1" + "0" * 400 + "]"),
    _wide("BYTES for numbers", 400, "row 0: '5.1' is text", '["5.1","3.5","1.4","0.2"]', datatype='"BYTES"'),
    _wide("BOOL for numbers", 400, "is a boolean", "[true,true,true,true]", datatype='"BOOL"'),
    _wide("a number in BYTES", 400, "0.2 does not fit BYTES", '["5.1","3.5","1.4",0.2]', datatype='"BYTES"'),
    _wide("a number in BOOL", 400, "1 does not fit BOOL", "[true,true,true,1]", datatype='"BOOL"'),
    _case("2**53 + 1 for a float64", 400, "'x', row 0: 9007199254740993", inputs(tensor("x", [2**53 + 1])), "echo"),
    _case("... as INT64", 400, "'x', row 0: 9007199254740993", inputs(tensor("x", [2**53 + 1], "INT64")), "echo"),
    _case("2**64 + 1 for a float64", 400, "18446744073709551617", inputs(tensor("x", [2**64 + 1])), "echo"),
    _case("a feature's own dimension is named", 400, "'x', row 1: missing", inputs(tensor("x", [1.0, None])), "echo"),
    _person("false as text", 400, "'false' does not fit BOOL", smoker={"data": ["false"]}),
    _person("0 for false", 400, "0 does not fit BOOL", smoker={"data": [0]}),
    _person("a boolean in INT8", 400, "'smoker'", smoker={"datatype": "INT8", "data": [1]}),
    _person(
        "5.9 for a whole number", 400, "'rooms', row 0: 5.9 is not a whole", rooms={"datatype": "FP64", "data": [5.9]}
    ),
    _person("null for a whole number", 400, "'rooms'", rooms={"data": [None]}),
    _person("a whole number as BYTES", 400, "'rooms', row 0: '3' is text", rooms={"datatype": "BYTES", "data": ["3"]}),
    _person("a number for a text", 400, "'city', row 0", city={"datatype": "INT64", "data": [5]}),
    _person("a lone surrogate", 400, "'city', row 0", city={"data": ["?"]}),
    _person("an undeclared category", 400, "'grade', row 0: 'd'", grade={"data": ["d"]}),
    _person(
        "a marker where nothing may be missing", 400, "'grade', row 0: missing", grade={"parameters": {"missing": "a"}}
    ),
    _person("a marker that is a number", 400, "'missing'", city={"parameters": {"missing": 5}}),
    _person("a marker for numbers", 400, "'missing'", size={"parameters": {"missing": "170.5"}}),
]
_SURROGATE = next(case for case in WRONG_VALUE if case.name == "a lone surrogate")
WRONG_VALUE[WRONG_VALUE.index(_SURROGATE)] = _case(
    "a lone surrogate", 400, "'city', row 0", _SURROGATE.body.replace(b'"?"', b'"\\ud800"'), "people"
)

CASES = [*LEGAL, *NOT_A_REQUEST, *WRONG_TENSOR, *WRONG_SET, *WRONG_VALUE]
