"""The bill of materials of an artifact (ML-BOM), by CycloneDX 1.6: its files, its data, its libraries, its model card.

https://cyclonedx.org/docs/1.6/json/. It holds no time and no random number, so that equal artifacts have equal bytes.
"""

from __future__ import annotations

import uuid
from typing import Any

from artifact.feature import Feature
from artifact.output import Output
from artifact.text_file import readable_json
from release.documents.subject import Subject

FILE = "bom.cdx.json"
SPEC_VERSION = "1.6"
_UNSUPERVISED = "outliers"  # the task without a target


def render(subject: Subject) -> bytes:
    """The document."""
    files = [_file(file.path, file.sha256) for file in subject.manifest.files]
    libraries = [_library(subject, name, version) for name, version in sorted(subject.manifest.libraries.items())]
    parts = [_data(subject), *files, *libraries]
    model = _model(subject)
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        # Of all that it says, so that another verdict is another document.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, readable_json([model, parts]))}",
        "version": 1,
        "metadata": {"component": model},
        "components": parts,
        "dependencies": [
            {"ref": _ref(subject), "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"], "dependsOn": []} for part in parts),
        ],
    }
    return readable_json(content).encode()


def _ref(subject: Subject) -> str:
    return f"model:{subject.digest}"


def _model(subject: Subject) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": _ref(subject),
        "name": subject.manifest.model,
        "version": subject.digest,
        "hashes": [_hash(subject.digest)],
        "modelCard": _card(subject),
    }


def _card(subject: Subject) -> dict[str, Any]:
    signature = subject.signature
    parameters: dict[str, Any] = {
        "approach": {"type": "unsupervised" if signature.task == _UNSUPERVISED else "supervised"},
        "task": signature.task,
        "datasets": [{"ref": _data(subject)["bom-ref"]}],
        "inputs": [{"format": _form(feature)} for feature in signature.inputs],
        "outputs": [{"format": _form(output)} for output in signature.outputs],
    }
    if subject.estimator:
        parameters["modelArchitecture"] = subject.estimator
    metrics = [{"type": name, "value": repr(value)} for name, value in sorted(subject.manifest.metrics.items())]
    verdict = subject.verdict
    properties = [(f"gate:{name}", str(verdict.get(name))) for name in ("outcome", "reason")]
    properties += [(f"gate:{rule.get('rule')}", str(rule.get("words"))) for rule in subject.rules]
    properties += [("inputs_digest", str(verdict.get("inputs_digest"))), ("engine", subject.manifest.engine)]
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        "properties": [{"name": f"modelpin:{name}", "value": value} for name, value in properties],
    }


def _form(field: Feature | Output) -> str:
    """A column with what it holds, such as `sepal width (cm): float64`."""
    columns = f" of {', '.join(map(str, field.columns))}" if isinstance(field, Output) and field.columns else ""
    return f"{field.name}: {field.dtype}{columns}"


def _data(subject: Subject) -> dict[str, Any]:
    rows = f"{subject.profile['rows']} rows trained on"
    held_out = subject.profile.get("held_out")
    return {
        "type": "data",
        "bom-ref": f"data:{subject.manifest.data_digest}",
        "name": f"data of {subject.manifest.model}",
        "version": subject.manifest.data_digest,
        "hashes": [_hash(subject.manifest.data_digest)],
        "data": [{"type": "dataset", "description": rows + (f", {held_out} held out" if held_out else "")}],
    }


def _file(path: str, sha256: str) -> dict[str, Any]:
    return {"type": "file", "bom-ref": f"file:{path}", "name": path, "hashes": [_hash(sha256)]}


def _library(subject: Subject, name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if hashes := subject.hashes.get(name):
        locked = [_hash(digest) for digest in hashes]
        component["externalReferences"] = [{"type": "distribution", "url": purl, "hashes": locked}]
    return component


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256-")}
