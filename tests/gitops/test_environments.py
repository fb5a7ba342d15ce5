import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from release.gitops import quarantine, record, release_file, spec_digest
from release.gitops.release import Release
from release.gitops.worktree import Worktree
from tests.gitops.overlays import OVERLAYS, TARGET, merge
from tests.gitops.render import ROOT, Manifest, Tree, only
from tests.gitops.types_of_kserve import problems
from tests.release.test_record import RELEASE

MODELS = ROOT / "gitops/models"
DIGEST = "sha256-" + "ab12" * 16
IMAGE = "registry.example.com/modelpin/predictor@sha256:" + "cd34" * 16


def release_of(model: str, digest: str = DIGEST, image: str = IMAGE, **changes: Any) -> Release:
    """A release that served."""
    uri = f"s3://modelpin/models/{model}/{digest}/"
    return dataclasses.replace(RELEASE, digest=digest, uri=uri, image=image, **changes)


def write(tree: Tree, deployed: record.Record) -> None:
    """record.yaml and release.yaml as the commands write them."""
    folder = tree.folder / "models" / deployed.model / deployed.environment
    (folder / record.FILE).write_text(record.render(deployed))
    (folder / release_file.FILE).write_text(release_file.render(deployed))


def release(tree: Tree, model: str, environment: str) -> Release:
    """Let it serve one release."""
    deployed = release_of(model)
    write(tree, record.Record(model, environment, stable_name=deployed.name, releases=(deployed,)))
    return deployed


FIRST, SECOND = release_of("flower"), release_of("flower", "sha256-" + "ef56" * 16, IMAGE.replace("cd34", "7890"))
STATES = {
    "stable": (record.Record("flower", "staging", FIRST.name, releases=(FIRST,)), [(FIRST, 100, "stable")]),
    "canary": (
        record.Record("flower", "staging", FIRST.name, SECOND.name, 10, releases=(SECOND, FIRST)),
        [(FIRST, 90, "stable"), (SECOND, 10, "canary")],
    ),
    "proving": (
        record.Record("flower", "staging", FIRST.name, SECOND.name, 0, 10, releases=(SECOND, FIRST)),
        [(FIRST, 100, "stable")],
    ),
    "first": (record.Record("flower", "staging", None, SECOND.name, 0, 100, releases=(SECOND,)), []),
    "promoted": (record.Record("flower", "staging", SECOND.name, releases=(SECOND, FIRST)), [(SECOND, 100, "stable")]),
}


@pytest.mark.parametrize(
    ("name", "overlay"), [*((name, "none") for name in STATES), ("canary", "replicas and resources")]
)
def test_each_state_renders_one_truth(tree: Tree, name: str, overlay: str) -> None:
    """An InferenceService for each release that is kept, its own URI in MODEL_URI; a Route with the state's shares."""
    content, shares = STATES[name]
    write(tree, content)
    tree.patch("models/flower/staging", OVERLAYS[overlay])
    manifests = tree.render("models/flower/staging")
    services = {
        manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == "InferenceService"
    }
    assert set(services) == {release.name for release in content.releases}
    for item in content.releases:
        model = services[item.name]["spec"]["predictor"]["model"]
        assert (model["storageUri"], model["image"]) == (item.uri, item.image)
        assert model["env"][0] == {"name": "MODEL_URI", "value": item.uri}
        assert services[item.name]["metadata"]["labels"]["release"] == item.name
        assert services[item.name]["spec"]["predictor"]["minReplicas"] == (overlay != "none")
    routes = [manifest for manifest in manifests if manifest["kind"] == "Route"]
    assert [route["metadata"]["name"] for route in routes] == ["flower"] * bool(shares)
    results = [target for route in routes for target in route["spec"]["traffic"]]
    assert results == [
        {
            "configurationName": f"{name.name}-predictor",
            "latestRevision": True,
            "percent": percent,
            "tag": tag,
        }
        for name, percent, tag in shares
    ]
    check(manifests)


def test_one_release_is_chosen_by_its_label(tree: Tree) -> None:
    """A person's patch reaches every release, or the one that a label selector names, and the Route."""
    write(tree, STATES["canary"][0])
    warm = merge(minReplicas=1)
    warm["target"] = {"kind": "InferenceService", "labelSelector": f"release={SECOND.name}"}
    route = {
        "patch": "- {op: add, path: /metadata/annotations/owner, value: a-team}",
        "target": {"kind": "Route"},
    }
    tree.patch("models/flower/staging", [warm, merge(timeout=30), route])
    manifests = tree.render("models/flower/staging")
    predictors = {
        manifest["metadata"]["name"]: manifest["spec"]["predictor"]
        for manifest in manifests
        if "predictor" in manifest.get("spec", {})
    }
    assert {name: (predictor["minReplicas"], predictor["timeout"]) for name, predictor in predictors.items()} == {
        FIRST.name: (0, 30),
        SECOND.name: (1, 30),
    }
    assert only(manifests, "Route")["metadata"]["annotations"]["owner"] == "a-team"


def test_a_change_of_what_is_rendered_changes_the_spec_digest(tree: Tree) -> None:
    """A proof is of the rendered spec: whatever changes an InferenceService or its runtime here changes the digest."""
    write(tree, STATES["canary"][0])
    current, path = Worktree(tree.folder.parent), "gitops/models/flower/staging"

    def digest_and_manifests() -> tuple[str, list[Manifest]]:
        kinds = ("InferenceService", "ServingRuntime")
        rendered = [document for document in tree.render("models/flower/staging") if document["kind"] in kinds]
        return spec_digest.of(current, path, "staging", FIRST), rendered

    def edit(name: str, old: str, new: str) -> None:
        file = tree.folder / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    digests, before = [digest_and_manifests()[0]], digest_and_manifests()
    edit("base/serving-runtime.yaml", "# How the predictor", "# And how the predictor")
    edit("models/flower/staging/environment.yaml", "keep: 10", "keep: 9")
    assert digest_and_manifests() == before
    for change in (
        lambda: edit("base/serving-runtime.yaml", "failureThreshold: 3", "failureThreshold: 4"),
        lambda: edit("base/inference-service.yaml", "maxReplicas: 4", "maxReplicas: 5"),
        lambda: tree.patch("models/flower/staging", OVERLAYS["a variable"]),
        lambda: (tree.folder / "models/flower/staging/mine.yaml").write_text(
            OVERLAYS["replicas and resources"][0]["patch"]
        ),
        lambda: tree.patch("models/flower/staging", [{"path": "mine.yaml", "target": TARGET}]),
        lambda: edit("models/flower/staging/mine.yaml", "minReplicas: 1", "minReplicas: 2"),
    ):
        change()
        now = digest_and_manifests()
        assert (now[1] == before[1]) == (now[0] == before[0])
        digests, before = [*digests, now[0]], now
    assert len(set(digests)) == 6  # a file that nothing names yet changes nothing
    assert spec_digest.of(current, path, "staging", SECOND) not in digests


def copy_of(tree: Tree, model: str) -> None:
    """A second model, made by hand: the folder copied, the name replaced."""
    target = tree.folder / "models" / model
    shutil.copytree(tree.folder / "models/flower", target)
    for file in target.rglob("*.yaml"):
        file.write_text(file.read_text().replace("flower", model))


# A patch is merged the same wherever it stands; each place renders once without one.
COMBINATIONS = [
    *(("flower", "staging", overlay) for overlay in OVERLAYS),
    ("flower", "production", "none"),
    ("credit-risk", "staging", "none"),
    ("credit-risk", "production", "a variable"),
]


@pytest.mark.parametrize(("model", "environment", "overlay"), COMBINATIONS)
def test_what_is_downloaded_is_what_is_verified(tree: Tree, model: str, environment: str, overlay: str) -> None:
    """MODEL_URI equals storageUri, the image is the released one, people's patches count, in each place."""
    if model != "flower":
        copy_of(tree, model)
    deployed = release(tree, model, environment)
    tree.patch(f"models/{model}/{environment}", OVERLAYS[overlay])

    manifests = tree.render(f"models/{model}/{environment}")
    service = only(manifests, "InferenceService")
    predictor = service["spec"]["predictor"]
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == (deployed.name, f"{model}-{environment}")
    assert predictor["model"]["storageUri"] == deployed.uri
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
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/{{.Labels.model}}/ready"


@pytest.mark.parametrize("folder", sorted(MODELS.glob("*/*/")), ids=lambda path: "-".join(path.parts[-2:]))
def test_the_committed_environments_hold(folder: Path) -> None:
    """Every folder under gitops/models renders, and its release.yaml is what its record.yaml says."""
    model, environment = folder.parts[-2:]
    current = record.parse((folder / record.FILE).read_text(), str(folder))
    assert (current.model, current.environment) == (model, environment)
    assert (folder / release_file.FILE).read_text() == release_file.render(current)
    manifests = Tree(ROOT / "gitops").render(f"models/{model}/{environment}")
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {f"{model}-{environment}"}
    served = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "InferenceService"}
    assert served == {release.name for release in current.releases if release.rendered}
    check(manifests)
    text = (folder.parent / quarantine.FILE).read_text()
    assert text == quarantine.render(quarantine.parse(text, "quarantine.yaml"))


def check(manifests: list[Manifest]) -> None:
    """Each manifest fits its kind's schema, names images by digest, and has nothing left but what KServe fills in."""
    for manifest in manifests:
        kind = manifest["kind"]
        if kind == "Route":
            assert set(manifest["spec"]) == {"traffic"}
        elif kind == "PodMonitor":  # no schema of the operator's kinds is here
            assert set(manifest["spec"]) == {"selector", "podTargetLabels", "podMetricsEndpoints"}
            for endpoint in manifest["spec"]["podMetricsEndpoints"]:
                assert set(endpoint) == {"port", "path", "interval", "honorLabels"}
        elif kind in ("InferenceService", "ServingRuntime"):
            version = "V1beta1" if kind == "InferenceService" else "V1alpha1"
            assert problems(manifest, f"{version}{kind}") == []
        else:
            kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
        for image in images(manifest):
            assert re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", image), image
        text = yaml.safe_dump(manifest).replace("{{.Labels.model}}", "").replace("{{.Namespace}}", "")
        assert not re.search(r"\{\{|\$\(|\$\{|<[A-Z_]+>|REPLACE|CHANGEME|:latest\b|gitops-url", text)


def images(node: Any) -> list[str]:
    """Every value under a key `image`."""
    if isinstance(node, dict):
        own = [node["image"]] if isinstance(node.get("image"), str) else []
        return own + [image for value in node.values() for image in images(value)]
    return [image for item in node for image in images(item)] if isinstance(node, list) else []
