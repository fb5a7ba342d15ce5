"""The manifest: what an artifact is, in one file whose SHA-256 is the artifact's name.

It holds content only: no commit, run, time, host, latency or path, so that equal models have equal names wherever and
whenever they were made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifact import decision, digest, file_list, strict_json
from artifact.decision import Decision
from artifact.engines import engine
from artifact.engines.engine import Engine
from artifact.errors import ConfigurationError, IncompatibleError, IntegrityError
from artifact.file_list import BUNDLE as BUNDLE
from artifact.file_list import FILE as FILE
from artifact.file_list import LARGEST as LARGEST
from artifact.file_list import File as File
from artifact.schema_version import READABLE, SCHEMA_VERSION
from artifact.signature import Signature
from artifact.text_file import readable_json

_MODULE = re.compile(r"features(\.[A-Za-z_][A-Za-z0-9_]*)*")
_ENGINES = 8
_KEYS = {
    1: (
        *("schema_version", "model", "engine", "files", "signature"),
        *("data_digest", "parameters", "metrics", "libraries", "features"),
    ),
    2: (
        *("schema_version", "model", "engines", "files", "signature", "decision", "weight"),
        *("data_digest", "parameters", "metrics", "libraries", "features"),
    ),
}


@dataclass(frozen=True)
class Manifest:
    """Everything that `manifest.json` says.

    `engines`: each for calls of more rows than the one before. `decision`: how labels follow from probabilities; None
    where the estimator's own are answered. `weight`: the column that weighed the rows in training, if any. `parameters`
    and `metrics` are JSON values; `libraries` maps a distribution to its version; `features` maps each module of
    features/ that the model needs to the digest of its source.
    """

    model: str
    engines: tuple[Engine, ...]
    files: tuple[File, ...]
    signature: Signature
    decision: Decision | None
    weight: str | None
    data_digest: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    libraries: Mapping[str, str]
    features: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """The one byte form: schema_version first, a fixed order of keys, everything below sorted."""
        value = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            "engines": [engine.to_dict() for engine in self.engines],
            "files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in self.files],
            "signature": self.signature.to_dict(),
            "decision": decision.to_manifest(self.decision),
            "weight": self.weight,
            "data_digest": self.data_digest,
            "parameters": _sorted(self.parameters, "parameters"),
            "metrics": _sorted(self.metrics, "metrics"),
            "libraries": _sorted(self.libraries, "libraries"),
            "features": _sorted(self.features, "features"),
        }
        return readable_json(value).encode()

    @property
    def digest(self) -> str:
        """The artifact's name."""
        return digest.of_bytes(self.to_bytes())

    @property
    def engine(self) -> str:
        """The names of the engines, joined by +."""
        return "+".join(engine.name for engine in self.engines)

    @property
    def batching(self) -> bool:
        """Whether concurrent requests may share a call: no engine's answers depend on the rows beside."""
        return all(engine.batching for engine in self.engines)

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest; IncompatibleError (22) for another version's format, IntegrityError (20) for no manifest."""
        value = strict_json.read(data, FILE)
        try:
            version = value["schema_version"]
        except (KeyError, TypeError) as error:
            raise IntegrityError(f"{FILE} is not a manifest: {error!r}") from error
        if type(version) is not int or version not in READABLE:
            raise IncompatibleError(
                f"{FILE} has schema_version {version!r}, readable here {sorted(READABLE)}; use the image of its release"
            )
        try:
            if tuple(value) != _KEYS[version]:
                raise ValueError(
                    f"its keys are {sorted(set(value) ^ set(_KEYS[version])) or list(value)}, "
                    f"which is not format {version}"
                )
            signature = Signature.from_dict(value["signature"])
            return cls(
                model=digest.model_name(value["model"]),
                engines=_engines([value["engine"]] if version == 1 else value["engines"]),
                files=file_list.read(value["files"]),
                signature=signature,
                decision=decision.of_manifest(value.get("decision"), signature),
                weight=_weight(value.get("weight")),
                data_digest=digest.parse(value["data_digest"]),
                parameters=_object(value["parameters"], "parameters"),
                metrics=_numbers(value["metrics"]),
                libraries=_libraries(value["libraries"]),
                features=_features(value["features"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, ConfigurationError) as error:
            raise IntegrityError(f"{FILE} is not a manifest of format {version}: {error}") from error


def _engines(value: Any) -> tuple[Engine, ...]:
    if type(value) is not list or len(value) > _ENGINES:
        raise TypeError(f"'engines' is no list of at most {_ENGINES}")
    engines = tuple(map(Engine.from_dict, value))
    engine.check(engines)
    return engines


def _weight(value: Any) -> str | None:
    if value is not None and (type(value) is not str or not value):
        raise TypeError(f"'weight' is {value!r:.80}, no column")
    return value


def _object(value: Any, title: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise TypeError(f"{title!r} is no object")
    return value


def _numbers(value: Any) -> dict[str, float]:
    for name, number in _object(value, "metrics").items():
        if type(number) not in (int, float):
            raise TypeError(f"the metric {name[:80]!r} is no number")
    return dict(value)


def _libraries(value: Any) -> dict[str, str]:
    for name, version in _object(value, "libraries").items():
        if not file_list.PATH.fullmatch(name) or not isinstance(version, str) or not version:
            raise ValueError(f"the library {name[:80]!r} has the version {version!r:.80}")
    return dict(value)


def _features(value: Any) -> dict[str, str]:
    for name in _object(value, "features"):
        if not _MODULE.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is no module of features/")
    return {name: digest.parse(text) for name, text in value.items()}


def _sorted(value: Any, title: str) -> Any:
    try:
        return json.loads(digest.canonical_json(value))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{title}: {error}; use JSON values, finite numbers only") from error
