import dataclasses
import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from release import state
from release.gitops import inference_service, quarantine, record
from tests.gitops.render import ROOT, Manifest, Tree, only
from tests.gitops.types_of_kserve import problems

MODELS = ROOT / "gitops/models"
DIGEST = "sha256-" + "ab12" * 16
URI = f"s3://modelpin/models/%s/{DIGEST}/"
IMAGE = "registry.example.com/modelpin/predictor@sha256:" + "cd34" * 16
TARGET = {"kind": "InferenceService"}


def merge(**predictor: Any) -> Manifest:
    """A strategic merge patch of the predictor, as people write it."""
    patch = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "any"},
        "spec": {"predictor": predictor},
    }
    return {"patch": yaml.safe_dump(patch), "target": TARGET}


OVERLAYS: dict[str, list[Manifest]] = {
    "none": [],
    "a variable": [merge(model={"env": [{"name": "LOG_LEVEL", "value": "debug"}]})],
    "a variable by JSON patch": [
        {
            "patch": "- {op: add, path: /spec/predictor/model/env/-, value: {name: LOG_LEVEL, value: debug}}",
            "target": TARGET,
        }
    ],
    "replicas and resources": [merge(minReplicas=1, model={"resources": {"limits": {"cpu": "2"}}})],
    "a volume with its mount": [
        merge(
            volumes=[{"name": "cache", "emptyDir": {}}],
            model={"volumeMounts": [{"name": "cache", "mountPath": "/cache"}], "env": [{"name": "A", "value": "b"}]},
        )
    ],
}


def release(tree: Tree, model: str, environment: str) -> None:
    """Write record.yaml and release.yaml as `release deploy` does."""
    one = record.Release(
        digest=DIGEST,
        uri=URI % model,
        image=IMAGE,
        since="2026-01-01T00:00:00Z",
        inputs_digest=DIGEST,
        data_digest=DIGEST,
        source_commit="a" * 40,
        run_commit="b" * 40,
        gate="passed",
    )
    deployed = record.Record(model, environment, stable=one, releases=(one,))
    folder = tree.folder / "models" / model / environment
    (folder / record.FILE).write_text(record.render(deployed))
    (folder / inference_service.FILE).write_text(inference_service.render(deployed))


ANOTHER = "sha256-" + "ef56" * 16
SHARES = {
    "stable": (URI, IMAGE, None),
    "canary": (f"s3://modelpin/models/%s/{ANOTHER}/", IMAGE.replace("cd34", "7890"), 10),
    "rolled-back": (URI, IMAGE, 0),
    "settled": (URI, IMAGE, None),
}


@pytest.mark.parametrize("overlay", ["none", "replicas and resources"])
@pytest.mark.parametrize("name", SHARES)
def test_each_state_renders_one_truth(tree: Tree, name: str, overlay: str) -> None:
    """In every state storageUri, MODEL_URI, image and percentage are those the state calls for, through overlays."""
    release(tree, "flower", "staging")
    folder = tree.folder / "models/flower/staging"
    stable = record.parse((folder / record.FILE).read_text(), "x")
    uri, image, percent = SHARES[name]
    assert stable.stable is not None
    candidate = dataclasses.replace(stable.stable, digest=ANOTHER, uri=SHARES["canary"][0] % "flower", image=image)
    after = {
        "stable": stable,
        "canary": dataclasses.replace(stable, candidate=candidate, percent=10),
        "rolled-back": dataclasses.replace(stable, percent=0, left=ANOTHER),
        "settled": dataclasses.replace(stable, left=ANOTHER),
    }[name]
    assert state.of(after) == name
    (folder / record.FILE).write_text(record.render(after))
    (folder / inference_service.FILE).write_text(inference_service.render(after))
    tree.patch("models/flower/staging", OVERLAYS[overlay])
    manifests = tree.render("models/flower/staging")
    predictor = only(manifests, "InferenceService")["spec"]["predictor"]
    assert predictor["model"]["storageUri"] == uri % "flower"
    assert [entry["value"] for entry in predictor["model"]["env"]] == [uri % "flower"]
    assert (predictor["model"]["image"], predictor.get("canaryTrafficPercent")) == (image, percent)
    check(manifests)


def copy_of(tree: Tree, model: str) -> None:
    """A second model, made by hand: the folder copied, the name replaced."""
    target = tree.folder / "models" / model
    shutil.copytree(tree.folder / "models/flower", target)
    for file in target.rglob("*.yaml"):
        file.write_text(file.read_text().replace("flower", model))


COMBINATIONS = [
    (model, environment, overlay, first)
    for model, environment, overlay, first in itertools.product(
        ("flower", "credit-risk"), ("staging", "production"), OVERLAYS, (False, True)
    )
    # A JSON patch cannot add to a list that release.yaml has not made yet.
    if not (first and overlay in ("none", "a variable by JSON patch"))
]


@pytest.mark.parametrize(("model", "environment", "overlay", "first"), COMBINATIONS)
def test_what_is_downloaded_is_what_is_verified(
    tree: Tree, model: str, environment: str, overlay: str, first: bool
) -> None:
    """MODEL_URI equals storageUri, the image is the released one, people's patches count, in every combination."""
    if model != "flower":
        copy_of(tree, model)
    release(tree, model, environment)
    tree.patch(f"models/{model}/{environment}", OVERLAYS[overlay], first=first)

    manifests = tree.render(f"models/{model}/{environment}")
    service = only(manifests, "InferenceService")
    predictor = service["spec"]["predictor"]
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == (model, f"{model}-{environment}")
    assert predictor["model"]["storageUri"] == URI % model
    assert predictor["model"]["storageUri"].endswith("/")
    variables = [(entry["name"], entry["value"]) for entry in predictor["model"]["env"]]
    assert variables.count(("MODEL_URI", predictor["model"]["storageUri"])) == 1
    assert [name for name, _ in variables].count("MODEL_URI") == 1
    assert (("LOG_LEVEL", "debug") in variables) is overlay.startswith("a variable")
    assert predictor["model"]["image"] == IMAGE
    assert predictor["minReplicas"] == (1 if overlay == "replicas and resources" else 0)
    if overlay == "replicas and resources":
        assert predictor["model"]["resources"]["limits"] == {"cpu": "2", "memory": "1Gi"}
    if overlay == "a volume with its mount":
        assert [volume["name"] for volume in predictor["volumes"]] == ["cache"]
    check(manifests)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_before_the_first_deploy_nothing_is_served(tree: Tree, environment: str) -> None:
    """A new model's folder renders identity and runtime, but no InferenceService; never nothing at all."""
    manifests = tree.render(f"models/flower/{environment}")
    assert sorted(manifest["kind"] for manifest in manifests) == ["ConfigMap", "ServiceAccount", "ServingRuntime"]
    check(manifests)


def test_a_patch_of_people_does_not_break_an_empty_environment(tree: Tree) -> None:
    """Replicas may be set before the first deploy."""
    tree.patch("models/flower/staging", OVERLAYS["replicas and resources"])
    assert "InferenceService" not in {manifest["kind"] for manifest in tree.render("models/flower/staging")}


def test_without_the_schema_a_patch_would_lose_model_uri(tree: Tree) -> None:
    """The merge key does the merging: taken away, people's variables replace MODEL_URI."""
    release(tree, "flower", "staging")
    tree.patch("models/flower/staging", OVERLAYS["a variable"])
    base = tree.folder / "base/kustomization.yaml"
    base.write_text(base.read_text().replace("openapi:\n  path: schema.json\n", ""))
    service = only(tree.render("models/flower/staging"), "InferenceService")
    assert [entry["name"] for entry in service["spec"]["predictor"]["model"]["env"]] == ["LOG_LEVEL"]


def test_a_variable_of_the_runtime_is_merged_too(tree: Tree) -> None:
    """A patch of the ServingRuntime's container keeps its probes and arguments."""
    patch = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": "modelpin"},
        "spec": {"containers": [{"name": "kserve-container", "env": [{"name": "A", "value": "b"}]}]},
    }
    tree.patch("models/flower/staging", [{"patch": yaml.safe_dump(patch)}])
    (container,) = only(tree.render("models/flower/staging"), "ServingRuntime")["spec"]["containers"]
    assert container["env"] == [{"name": "A", "value": "b"}]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/{{.Name}}/ready"


@pytest.mark.parametrize("folder", sorted(MODELS.glob("*/*/")), ids=lambda path: "-".join(path.parts[-2:]))
def test_the_committed_environments_hold(folder: Path) -> None:
    """Every folder under gitops/models renders, and its release.yaml is what its record.yaml says."""
    model, environment = folder.parts[-2:]
    found = record.parse((folder / record.FILE).read_text(), str(folder))
    assert (found.model, found.environment) == (model, environment)
    assert (folder / inference_service.FILE).read_text() == inference_service.render(found)
    manifests = Tree(ROOT / "gitops").render(f"models/{model}/{environment}")
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {f"{model}-{environment}"}
    served = [manifest for manifest in manifests if manifest["kind"] == "InferenceService"]
    assert len(served) == (found.stable is not None)
    for service in served:
        predictor = service["spec"]["predictor"]["model"]
        (uri,) = [entry["value"] for entry in predictor["env"] if entry["name"] == "MODEL_URI"]
        assert uri == predictor["storageUri"] == (found.candidate or found.stable).uri  # type: ignore[union-attr]
    check(manifests)
    text = (folder.parent / quarantine.FILE).read_text()
    assert text == quarantine.render(quarantine.parse(text, "quarantine.yaml"))


def check(manifests: list[Manifest]) -> None:
    """Each manifest fits its kind's schema, names images by digest, and has nothing left to fill in."""
    for manifest in manifests:
        kind = manifest["kind"]
        if kind in ("InferenceService", "ServingRuntime"):
            version = "V1beta1" if kind == "InferenceService" else "V1alpha1"
            assert problems(manifest, f"{version}{kind}") == []
        else:
            kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
        for image in images(manifest):
            assert re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", image), image
        text = yaml.safe_dump(manifest).replace("{{.Name}}", "")
        assert not re.search(r"\{\{|\$\(|\$\{|<[A-Z_]+>|REPLACE|CHANGEME|:latest\b|gitops-url", text)


def images(node: Any) -> list[str]:
    """Every value under a key `image`."""
    if isinstance(node, dict):
        own = [node["image"]] if isinstance(node.get("image"), str) else []
        return own + [image for value in node.values() for image in images(value)]
    return [image for item in node for image in images(item)] if isinstance(node, list) else []
