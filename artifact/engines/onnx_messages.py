"""The messages of an ONNX file that are changed when it is loaded, without the package that generates them.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Fields that are not named here are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "modelpin.onnx"  # nobody else's
WITH_GRAPHS = frozenset(("If", "Loop", "Scan", "SequenceMap"))  # these may read values that are not their inputs
_STRING, _INT64, _DOUBLE = 8, 7, 11  # of TensorProto.DataType
_INT = 2  # of AttributeProto.AttributeType
# The number and the type of each field; * where there may be several. Attributes, and the numbers of float64 of a
# tensor, are read where they are asked for.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Model": {"graph": (7, "Graph")},
    "Graph": {"node": (1, "*Node"), "initializer": (5, "*Tensor"), "input": (11, "*Value"), "output": (12, "*Value")},
    "Node": {"input": (1, "*string"), "output": (2, "*string"), "op_type": (4, "string"), "attribute": (5, "*bytes")},
    "Attribute": {"name": (1, "string"), "i": (3, "int64"), "strings": (9, "*bytes"), "type": (20, "int32")},
    "Tensor": {
        "dims": (1, "*int64"),
        "data_type": (2, "int32"),
        "string_data": (6, "*bytes"),
        "int64_data": (7, "*int64"),
        "name": (8, "string"),
    },
    "Doubles": {"double_data": (10, "*double")},
    "Value": {"name": (1, "string"), "type": (2, "Type")},
    "Type": {"tensor_type": (1, "TensorType")},
    "TensorType": {"elem_type": (1, "int32"), "shape": (2, "Shape")},
    "Shape": {"dim": (1, "*Size")},
    "Size": {"dim_value": (1, "int64")},
}
_SCALARS = {"double": 1, "int64": 3, "int32": 5, "string": 9, "bytes": 12}  # of FieldDescriptorProto.Type
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3


def model(data: bytes) -> Any:
    """The model in a file; DecodeError where it is none."""
    return _classes()["Model"].FromString(data)


def changed(
    model: Any,
    nodes: Iterable[Any],
    inputs: Iterable[Any],
    outputs: Iterable[Any],
    constants: Iterable[Any] | None = None,
) -> bytes:
    """Put these nodes, inputs, outputs and, where they change, constants in the place of those of `model`; its file.
    Large ones are not copied.
    """
    fields = {"node": list(nodes), "input": list(inputs), "output": list(outputs)}
    for field, values in (fields if constants is None else fields | {"initializer": list(constants)}).items():
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(values)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def whole_numbers(name: str) -> Any:
    """An input or output of int64, [rows]."""
    value = _classes()["Value"](name=name)
    value.type.tensor_type.elem_type = _INT64
    value.type.tensor_type.shape.dim.add()
    return value


def make_whole_numbers(value: Any) -> None:
    """Make an input or output one of int64; its shape stays."""
    value.type.tensor_type.elem_type = _INT64


def like(value: Any, name: str, width: int) -> Any:
    """An input like `value`, which has columns, but of another name and with `width` columns."""
    other = _classes()["Value"]()
    other.CopyFrom(value)
    other.name = name
    other.type.tensor_type.shape.dim[1].dim_value = width
    return other


def constant(name: str, shape: Iterable[int], values: Iterable[int]) -> Any:
    """An initializer of int64."""
    return _classes()["Tensor"](name=name, dims=shape, data_type=_INT64, int64_data=values)


def to_whole_numbers(value: str, output: str) -> Any:
    """A node that casts `value` to int64, as `output`."""
    to = _classes()["Attribute"](name="to", i=_INT64, type=_INT).SerializeToString()
    return _classes()["Node"](op_type="Cast", input=[value], output=[output], attribute=[to])


def lookup(table: str, places: str, output: str) -> Any:
    """A node that takes from the list `table` what stands at `places`, as `output`."""
    return _classes()["Node"](op_type="Gather", input=[table, places], output=[output])


def is_text(value: Any) -> bool:
    """Whether an input is one of texts."""
    return bool(value.type.tensor_type.elem_type == _STRING)


def is_double(value: Any) -> bool:
    """Whether an input is one of float64."""
    return bool(value.type.tensor_type.elem_type == _DOUBLE)


def width(value: Any) -> int:
    """How many columns an input has; 0 where its shape does not say."""
    sizes = value.type.tensor_type.shape.dim
    return int(sizes[1].dim_value) if len(sizes) == 2 else 0


def doubles(constant: Any) -> Sequence[float]:
    """The numbers of an initializer of float64, where they are not written as bytes; none of any other."""
    numbers: Sequence[float] = _classes()["Doubles"].FromString(constant.SerializeToString()).double_data
    return numbers


def keys(node: Any) -> Sequence[bytes]:
    """The texts that a LabelEncoder knows."""
    texts: Sequence[bytes] = _attributes(node)["keys_strings"].strings
    return texts


def gives_whole_numbers(node: Any) -> bool:
    """Whether a LabelEncoder makes whole numbers of texts."""
    return {"keys_strings", "values_int64s"} <= _attributes(node).keys()


def number(node: Any, attribute: str) -> int:
    """A whole number among the attributes of a node; 0 where it is not there."""
    attributes = _attributes(node)
    return int(attributes[attribute].i) if attribute in attributes else 0


def _attributes(node: Any) -> dict[str, Any]:
    read = map(_classes()["Attribute"].FromString, node.attribute)
    return {attribute.name: attribute for attribute in read}


@cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="modelpin/onnx.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, form) in fields.items():
            kind = form.removeprefix("*")
            described = message.field.add(name=field, number=number, label=_REPEATED if form != kind else _OPTIONAL)
            described.type = _SCALARS.get(kind, _MESSAGE)
            if kind not in _SCALARS:
                described.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }
