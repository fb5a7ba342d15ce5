import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from release import adopt, document, projection, record
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
    state = record.Record(model, environment, stable=one, releases=(one,))
    folder = tree.folder / "models" / model / environment
    (folder / record.FILE).write_text(record.render(state))
    (folder / projection.FILE).write_text(projection.render(state))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A copy of gitops/ with one model, flower, that was never released."""
    tree = Tree.copy(tmp_path)
    shutil.rmtree(tree.folder / "models")
    adopt.adopt(tmp_path, "flower")
    return tree


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


def test_the_runtime_asks_the_model_whether_it_is_ready() -> None:
    """Readiness is the model's (verified, loaded, golden replayed), liveness the server's."""
    (container,) = only(Tree(ROOT / "gitops").render("base"), "ServingRuntime")["spec"]["containers"]
    assert container["name"] == "kserve-container"  # the name KServe merges the InferenceService's model into
    assert container["readinessProbe"]["httpGet"] == {"path": "/v2/models/{{.Name}}/ready", "port": 8080}
    assert "periodSeconds" not in container["readinessProbe"]  # Knative's own, faster probing
    assert container["livenessProbe"]["httpGet"] == {"path": "/v2/health/live", "port": 8080}
    assert [port["containerPort"] for port in container["ports"]] == [8080]  # Knative exposes one
    words = container["args"]
    arguments = dict(zip(words[::2], words[1::2], strict=True))
    assert arguments == {"--model_dir": "/mnt/models", "--model_name": "{{.Name}}", "--http_port": "8080"}


def test_the_predictor_has_no_rights_to_lose() -> None:
    """Not root, no privilege to gain, no capability, nothing to write to, no token of the Kubernetes API."""
    manifests = Tree(ROOT / "gitops").render("base")
    (container,) = only(manifests, "ServingRuntime")["spec"]["containers"]
    context = container["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    account = only(manifests, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert only(manifests, "InferenceService")["spec"]["predictor"]["serviceAccountName"] == account["metadata"]["name"]


def test_the_service_scales_to_zero_and_every_revision_can_be_reached() -> None:
    """Knative mode, no replica at rest, tag routing from the first day, bounded replicas, time and resources."""
    service = only(Tree(ROOT / "gitops").render("base"), "InferenceService")
    annotations = service["metadata"]["annotations"]
    assert annotations["serving.kserve.io/deploymentMode"] == "Knative"
    assert annotations["serving.kserve.io/enable-tag-routing"] == "true"
    predictor = service["spec"]["predictor"]
    assert predictor["minReplicas"] == 0
    assert predictor["maxReplicas"] > 0
    assert 0 < predictor["timeout"] <= 600  # Knative's max-revision-timeout-seconds
    assert set(predictor["model"]["resources"]) == {"requests", "limits"}


def test_releases_keep_being_reconciled() -> None:
    """No disable-auto-update: KServe would then skip every change of a Ready InferenceService, releases included."""
    texts = [file.read_text() for file in (ROOT / "gitops").rglob("*.yaml")]
    assert not [text for text in texts if re.search(r"disable-auto-update[\"']?:", text)]


def test_the_service_comes_after_what_it_needs() -> None:
    """Sync waves: the InferenceService is in the last one."""
    waves: dict[str, int] = {}
    for manifest in Tree(ROOT / "gitops").render("base"):
        annotations = manifest["metadata"].get("annotations", {})
        waves[manifest["kind"]] = int(annotations.get("argocd.argoproj.io/sync-wave", "0"))
    assert waves.pop("InferenceService") > max(waves.values())


def test_settings_are_copied_where_they_are_needed(tree: Tree) -> None:
    """Role and region of the identity come from settings.yaml, which itself is never applied."""
    file = tree.folder / "settings/settings.yaml"
    text = re.sub(r'serving-role-arn: ".*"', 'serving-role-arn: "arn:aws:iam::999988887777:role/r"', file.read_text())
    file.write_text(re.sub(r'region: ".*"', 'region: "us-east-2"', text))
    manifests = tree.render("models/flower/production")
    assert only(manifests, "ServiceAccount")["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::999988887777:role/r",
        "serving.kserve.io/s3-region": "us-east-2",
    }
    assert "settings" not in {manifest["metadata"]["name"] for manifest in manifests}


@pytest.mark.parametrize("folder", sorted(MODELS.glob("*/*/")), ids=lambda path: "-".join(path.parts[-2:]))
def test_the_committed_environments_hold(folder: Path) -> None:
    """Every folder under gitops/models renders, and its release.yaml is what its record.yaml says."""
    model, environment = folder.parts[-2:]
    state = record.parse((folder / record.FILE).read_text(), str(folder))
    assert (state.model, state.environment) == (model, environment)
    assert (folder / projection.FILE).read_text() == projection.render(state)
    manifests = Tree(ROOT / "gitops").render(f"models/{model}/{environment}")
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {f"{model}-{environment}"}
    served = [manifest for manifest in manifests if manifest["kind"] == "InferenceService"]
    assert len(served) == (state.stable is not None)
    for service in served:
        predictor = service["spec"]["predictor"]["model"]
        (uri,) = [entry["value"] for entry in predictor["env"] if entry["name"] == "MODEL_URI"]
        assert uri == predictor["storageUri"] == (state.stable and state.stable.uri)
    check(manifests)
    assert document.load((folder.parent / "quarantine.yaml").read_text(), "quarantine.yaml").keys() == {"quarantined"}


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
