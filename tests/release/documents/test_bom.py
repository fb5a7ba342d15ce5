"""The bill of materials: valid by CycloneDX's own schema, complete, and the same bytes for the same model."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from artifact import load
from release.documents import bom
from release.documents.subject import Subject
from tests.predictor import models
from tests.predictor.models import Packaged

ROOT = Path(__file__).parents[3]
VERDICT: dict[str, Any] = {
    "passed": True,
    "outcome": "better",
    "reason": "accuracy 0.96 is at least 0.9",
    "rules": [{"rule": "thresholds.accuracy", "passed": True, "words": "accuracy 0.96 is at least 0.9"}],
    "inputs_digest": "sha256-" + "1" * 64,
}


@pytest.fixture(scope="module", params=["iris", "people"])
def packaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """A model of plain numbers, and one with columns of every type."""
    result: Packaged = getattr(models, request.param)(tmp_path_factory.mktemp("bom") / "artifact")
    return result


def subject(packaged: Packaged, root: Path = ROOT) -> Subject:
    """What both documents are made from."""
    return Subject.of(load.verify(packaged.directory, expected_digest=packaged.digest), VERDICT, root)


def test_it_is_valid(packaged: Packaged) -> None:
    """CycloneDX's schema of 1.6, strict, finds nothing."""
    text = bom.render(subject(packaged)).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    broken = text.replace('"machine-learning-model"', '"a model"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_it_names_all_that_the_model_is_made_of(packaged: Packaged) -> None:
    """Each file and the data with their SHA-256, each library with the hashes of the lock; the model depends on all."""
    whole = subject(packaged)
    document = json.loads(bom.render(whole))
    parts: dict[str, dict[str, Any]] = {component["bom-ref"]: component for component in document["components"]}
    manifest = whole.manifest
    for file in manifest.files:
        assert parts[f"file:{file.path}"]["hashes"][0]["content"] == file.sha256.removeprefix("sha256-")
    assert parts[f"data:{manifest.data_digest}"]["hashes"][0]["content"] == manifest.data_digest.removeprefix("sha256-")
    lock = (ROOT / "requirements/serving.txt").read_text()
    for name, version in manifest.libraries.items():
        library = parts[f"pkg:pypi/{name}@{version}"]
        (reference,) = library["externalReferences"]
        assert all(f"sha256:{entry['content']}" in lock for entry in reference["hashes"])
    model = document["metadata"]["component"]
    assert model["version"] == packaged.digest
    depends = {dependency["ref"]: set(dependency["dependsOn"]) for dependency in document["dependencies"]}
    assert depends[model["bom-ref"]] == set(parts)
    metrics = {
        metric["type"]: float(metric["value"])
        for metric in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    }
    assert metrics == manifest.metrics
    properties = {entry["name"]: entry["value"] for entry in model["modelCard"]["properties"]}
    assert properties["modelpin:gate:outcome"] == "better"


def test_equal_models_have_equal_bytes(packaged: Packaged) -> None:
    """Made twice it is the same, however quick it was; of another verdict it has another serial number."""
    described = subject(packaged)
    slow = VERDICT | {"rules": [*VERDICT["rules"], {"rule": "latency", "passed": True, "words": "one row takes 1 ms"}]}
    again = Subject(described.manifest, described.digest, described.profile, slow, described.hashes)
    assert bom.render(described) == bom.render(again)
    other = Subject(
        described.manifest, described.digest, described.profile, VERDICT | {"outcome": "equivalent"}, described.hashes
    )
    numbers = {json.loads(bom.render(each))["serialNumber"] for each in (described, other)}
    assert len(numbers) == 2


def test_a_lock_of_other_versions_says_nothing(packaged: Packaged, tmp_path: Path) -> None:
    """Hashes are taken of the lock only where it has the versions that the model was made with."""
    lock = tmp_path / "requirements/serving.txt"
    lock.parent.mkdir()
    version = subject(packaged).manifest.libraries["numpy"]
    lock.write_text(f"numpy==0.1 \\\n    --hash=sha256:{'a' * 64}\nother=={version} \\\n    --hash=sha256:{'b' * 64}\n")
    assert subject(packaged, tmp_path).hashes == {}
    lock.write_text(f"numpy=={version} ; x \\\n    --hash=sha256:{'b' * 64} \\\n    --hash=sha256:{'a' * 64}\nx==1\n")
    assert subject(packaged, tmp_path).hashes == {"numpy": ("a" * 64, "b" * 64)}
