"""Expectations a manifest against the models that the kserve package brings: unknown fields and wrong types are named.

The API server prunes unknown fields of a custom resource in silence, so a misspelt one would simply not count.
"""

import re
from typing import Any

import kserve.models
import kubernetes.client.models

SCALARS: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "float": (int, float),
    "object": object,
    "ResourceQuantity": (str, int),
    "IntOrString": (str, int),
}


def problems(value: Any, kind: str, path: str = "") -> list[str]:
    """What in `value` (plain YAML) does not fit the model `kind`, such as V1beta1InferenceService; [] when all fits."""
    if result := re.fullmatch(r"[Ll]ist\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is not a list"]
        return [line for place, item in enumerate(value) for line in problems(item, result[1], f"{path}[{place}]")]
    if result := re.fullmatch(r"[Dd]ict[(\[]str, (.*)[)\]]", kind):
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is not a mapping"]
        return [line for key, item in value.items() for line in problems(item, result[1], f"{path}.{key}")]
    if kind in SCALARS:
        fits = isinstance(value, SCALARS[kind]) and (kind == "bool" or kind == "object" or not isinstance(value, bool))
        return [] if fits else [f"{path}: {value!r} is not {kind}"]
    model = getattr(kserve.models, kind, None) or getattr(kubernetes.client.models, kind)
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is not a {kind}"]
    fields = {content: model.openapi_types[name] for name, content in model.attribute_map.items()}
    return [
        line
        for key, item in value.items()
        for line in (
            problems(item, fields[key], f"{path}.{key}") if key in fields else [f"{path}.{key}: no such field"]
        )
    ]
