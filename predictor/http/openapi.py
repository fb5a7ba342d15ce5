"""The OpenAPI 3.1 document of one model: its routes, the types that its signature gives them, and an example.

https://spec.openapis.org/oas/v3.1.0: its schemas are JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifact.explanation.background import LINEAR, SCALES, TREES
from artifact.feature import Feature, Value
from artifact.output import LOWER, UPPER, Output
from artifact.prediction import PROBABILITIES
from artifact.signature import Signature
from predictor.protocols import explained

Json = dict[str, Any]

_TYPES = {"float64": "number", "int64": "integer", "bool": "boolean"}
_WIDTHS = (8, 16, 32, 64)
_TENSORS = (
    "BOOL",
    "BYTES",
    "FP16",
    "FP32",
    "FP64",
    *(f"{kind}{width}" for kind in ("INT", "UINT") for width in _WIDTHS),
)
_TIMES = {"datetime": "2026-01-01T00:00:00Z", "date": "2026-01-01"}
_REFUSALS = {
    "400": "malformed, or it does not match the signature",
    "413": "the body, its rows or the time that they take are over a limit",
    "415": "another media type, or a content coding",
    "422": "a row has no finite answer",
    "503": "overloaded, or not ready; Retry-After says when",
}


def example(signature: Signature, profile: Mapping[str, Any]) -> list[Value]:
    """An example row in the signature's order: the most usual value of each feature in training, no row of the data."""
    return [_typical(feature, profile["features"][feature.name]) for feature in signature.inputs]


def has_probabilities(signature: Signature) -> bool:
    """Whether a v1 request may ask for them."""
    return PROBABILITIES in {output.name for output in signature.outputs}


def document(
    name: str, digest: str, signature: Signature, row: list[Value], most_rows: int, explain_rows: int = 0
) -> Json:
    """The whole document, of at most `most_rows` rows a request; `row` is its example. `explain_rows`: of a request for
    explanations, 0 where the model gives none.
    """
    model, v2 = f"/v1/models/{name}", f"/v2/models/{name}"
    first = signature.outputs[0].name
    body = {"instances": [row]}
    explain = _operation(f"Predict {first}, and what each feature adds", "ExplainRequest", "ExplainAnswer", body)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": name,
            "version": digest,
            "description": f"A scikit-learn model for {signature.task}; each answer has its digest in x-model-digest.",
        },
        "paths": {
            f"{model}:predict": {"post": _operation(f"Predict {first}", "V1Request", "V1Answer", body)},
            **({f"{model}:explain": {"post": explain}} if explain_rows else {}),
            f"{v2}/infer": {
                "post": _operation(
                    f"Predict {first} (Open Inference Protocol)", "V2Request", "V2Answer", _v2_example(signature, row)
                )
            },
            v2: _get("Inputs and outputs of the model"),
            f"{v2}/ready": _get("200 when the model answers", ready=True),
            model: _get("200 when the model answers", ready=True),
            "/v1/models": _get("The name of the model"),
            "/v2": _get("The server's name and extensions"),
            "/v2/health/live": _get("200 while the process runs"),
            "/v2/health/ready": _get("200 when the model answers", ready=True),
            "/metrics": _get("Metrics for Prometheus, as text or OpenMetrics"),
        },
        "components": {
            "schemas": {
                "Row": _row(signature),
                "V1Request": _v1_request(signature, most_rows),
                "V1Answer": _v1_answer(signature),
                **(_explain(signature, explain_rows) if explain_rows else {}),
                "V2Request": _v2_request(signature, explain_rows),
                "V2Answer": _v2_answer(signature, explain_rows),
                "Error": _object({"error": {"type": "string"}}, "error"),
            }
        },
    }


def _typical(feature: Feature, reference: Mapping[str, Any]) -> Value:
    if feature.dtype in _TIMES:
        return _TIMES[feature.dtype]
    if feature.categories is not None:
        return feature.categories[0]
    if not feature.numeric:
        most = max(reference["counts"].items(), key=lambda item: item[1], default=("", 0))[0]
        return str(most) == "true" if feature.dtype == "bool" else str(most)
    edges = reference["edges"] or [reference["min"] or 0.0]
    value = float(edges[len(edges) // 2])
    low, high = feature.range or (None, None)
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    return int(value) if feature.dtype == "int64" else float(f"{value:.6g}")


def _value(feature: Feature) -> Json:
    kind = _TYPES.get(feature.dtype, "string")
    schema: Json = {"type": [kind, "null"] if feature.nullable else kind}
    if feature.dtype == "date" or (feature.dtype == "datetime" and feature.zone is None):
        schema["format"] = "date" if feature.dtype == "date" else "date-time"
    if feature.categories is not None:
        schema["enum"] = [*feature.categories, *([None] if feature.nullable else [])]
    for key, end in zip(("minimum", "maximum"), feature.range or (None, None), strict=True):
        if end is not None:
            schema[key] = end
    return schema


def _row(signature: Signature) -> Json:
    values = [{"title": feature.name, **_value(feature)} for feature in signature.inputs]
    ordered = {"type": "array", "prefixItems": values, "items": False, "minItems": len(values)}
    named = _object({feature.name: _value(feature) for feature in signature.inputs}, *signature.names)
    return {"anyOf": [ordered, named], "description": "values in the signature's order, or an object by feature name"}


def _v1_request(signature: Signature, most_rows: int) -> Json:
    rows = {"type": "array", "items": _ref("Row"), "minItems": 1, "maxItems": most_rows}
    schema = _object({"instances": rows, "probabilities": {"type": "boolean"}}, "instances")
    if not has_probabilities(signature):
        del schema["properties"]["probabilities"]
    return schema


def _v1_answer(signature: Signature) -> Json:
    properties = {"predictions": _rows(signature.outputs[0])}
    for output in signature.outputs[1:]:
        properties[output.name] = _rows(output)
    always = [name for name in properties if name in ("predictions", LOWER, UPPER, "score")]
    return _object(properties, *always)


def _explain(signature: Signature, most_rows: int) -> Json:
    names, inputs = {"type": "array", "items": {"type": "string"}}, len(signature.names)
    shares = {"type": "array", "items": {"type": "number"}, "minItems": inputs, "maxItems": inputs}
    explanation = {
        "method": {"enum": [LINEAR, TREES]},
        "scale": {"enum": list(SCALES)},
        "features": {"const": list(signature.names)},
        "outputs": names,
        "base": {"type": "array", "items": {"type": "number"}},
        "contributions": {"type": "array", "items": {"type": "array", "items": shares}},
    }
    answer = _v1_answer(signature)
    answer["properties"]["explanations"] = _object(explanation, *explanation)
    answer["required"].append("explanations")
    return {"ExplainRequest": _v1_request(signature, most_rows), "ExplainAnswer": answer}


def _rows(output: Output) -> Json:
    value: Json = {"type": _TYPES.get(output.dtype, "string")}
    if output.categories is not None:
        value["enum"] = list(output.categories)
    if output.columns is not None:
        value = {"type": "array", "items": value, "minItems": len(output.columns), "maxItems": len(output.columns)}
        value["description"] = f"in this order: {', '.join(output.columns)}"
    return {"type": "array", "items": value}


def _v2_request(signature: Signature, explain_rows: int) -> Json:
    names = [*(["input-0"] if signature.common_dtype else []), *signature.names]
    tensor = _object({"name": {"enum": names}, **_TENSOR}, "name", "datatype", "shape")
    outputs = _object({"name": {"enum": [output.name for output in signature.outputs]}}, "name", closed=False)
    return _object(
        {
            "id": {"type": "string"},
            "parameters": {"type": "object", "properties": {"explain": {"type": "boolean"}} if explain_rows else {}},
            "inputs": {"type": "array", "items": tensor, "minItems": 1, "maxItems": len(signature.inputs)},
            "outputs": {"type": "array", "items": outputs},
        },
        "inputs",
    )


def _v2_answer(signature: Signature, explain_rows: int) -> Json:
    outputs = [*(output.name for output in signature.outputs), *(explained.DATATYPES if explain_rows else ())]
    tensor = _object({"name": {"enum": outputs}, **_TENSOR}, "name", closed=False)
    properties = {name: {"type": "string"} for name in ("model_name", "model_version", "id")}
    answer: Json = {**properties, "outputs": {"type": "array", "items": tensor}}
    return _object(answer, "model_name", "outputs", closed=False)


def _v2_example(signature: Signature, row: list[Value]) -> Json:
    datatypes = {"float64": "FP64", "int64": "INT64", "bool": "BOOL"}
    if signature.common_dtype:
        datatype = datatypes.get(signature.common_dtype, "BYTES")
        return {"inputs": [{"name": "input-0", "datatype": datatype, "shape": [1, len(row)], "data": [row]}]}
    inputs = [
        {"name": feature.name, "datatype": datatypes.get(feature.dtype, "BYTES"), "shape": [1], "data": [value]}
        for feature, value in zip(signature.inputs, row, strict=True)
    ]
    return {"inputs": inputs}


_TENSOR: Json = {
    "datatype": {"enum": list(_TENSORS)},
    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 3},
    "data": {"type": "array"},
    "parameters": {"type": "object"},
}


def _object(properties: Json, *required: str, closed: bool = True) -> Json:
    schema: Json = {"type": "object", "properties": properties, "required": list(required)}
    return {**schema, "additionalProperties": False} if closed else schema


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(name: str, **more: Any) -> Json:
    return {"application/json": {"schema": _ref(name), **more}}


def _operation(summary: str, request: str, answer: str, body: Json) -> Json:
    refusals = {code: {"description": text, "content": _body("Error")} for code, text in _REFUSALS.items()}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": _body(request, example=body)},
        "responses": {"200": {"description": "one answer a row", "content": _body(answer)}, **refusals},
    }


def _get(summary: str, *, ready: bool = False) -> Json:
    responses: Json = {"200": {"description": summary}}
    if ready:
        responses["503"] = {"description": "not ready", "content": _body("Error")}
    return {"get": {"summary": summary, "responses": responses}}
