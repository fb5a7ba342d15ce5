"""gitops/components/monitoring and gitops/monitoring, rendered."""

import dataclasses
import json

import yaml

from release import settings
from release.aws.policies import INFERENCE
from tests.gitops.render import Tree, only
from tests.gitops.test_components import add_components
from tests.gitops.test_environments import release


def test_the_pods_of_an_environment_are_scraped_with_their_labels(tree: Tree) -> None:
    """The component adds a PodMonitor that selects what a release labels, and changes nothing else."""
    release(tree, "flower", "staging")
    before = tree.render("models/flower/staging")
    file = tree.folder / "models/flower/staging/kustomization.yaml"
    document = yaml.safe_load(file.read_text())
    document["components"].append("../../../components/monitoring")
    file.write_text(yaml.safe_dump(document))
    after = tree.render("models/flower/staging")
    monitor = only(after, "PodMonitor")
    assert [document for document in after if document is not monitor] == before
    assert monitor["metadata"]["namespace"] == "flower-staging"
    labels = only(after, "InferenceService")["metadata"]["labels"]
    selected = {expression["key"] for expression in monitor["spec"]["selector"]["matchExpressions"]}
    assert selected - {"serving.knative.dev/revision"} <= set(labels)  # that one is Knative's own
    assert set(monitor["spec"]["podTargetLabels"]) <= set(labels)
    projects = [document["spec"] for document in tree.render("argocd") if document["kind"] == "AppProject"]
    allowed = {"group": "monitoring.coreos.com", "kind": "PodMonitor"}
    assert all(allowed in project["namespaceResourceWhitelist"] for project in projects)


def test_rules_and_dashboard_are_applied_once_a_cluster(tree: Tree) -> None:
    """The rules as a PrometheusRule, the dashboard in a ConfigMap that Grafana's sidecar looks for."""
    manifests = tree.render("monitoring")
    assert {manifest["kind"] for manifest in manifests} == {"PrometheusRule", "ConfigMap"}
    board = only(manifests, "ConfigMap")
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["dashboard.json"])["uid"] == "modelpin"


def test_the_inference_log_is_shipped_by_a_container_with_credentials(tree: Tree) -> None:
    """The predictor writes to a volume and has no credentials; another container ships it, and has them."""
    release(tree, "flower", "staging")
    add_components(tree, "inference-log")
    root = tree.folder.parent
    image = f"registry.example.com/modelpin/predictor@sha256:{'a' * 64}"
    chosen = dataclasses.replace(settings.read(root), shipper_image=image, bucket="acme-models")
    (root / settings.PATH).write_text(settings.render(chosen))
    service = only(tree.render("models/flower/staging"), "InferenceService")
    predictor = service["spec"]["predictor"]
    (shipper,) = predictor["containers"]
    assert shipper["volumeMounts"] == predictor["model"]["volumeMounts"]
    names = {variable["name"] for variable in predictor["model"]["env"]}
    assert {"MODEL_URI", "PREDICTOR_INFERENCE_LOG"} <= names
    skipped = service["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"].split(",")
    assert "kserve-container" in skipped
    assert shipper["name"] not in skipped
    assert shipper["securityContext"]["readOnlyRootFilesystem"] is True
    assert shipper["image"] == image
    assert shipper["args"][:4] == ["--from", "/var/inference-log", "--to", f"s3://acme-models/{INFERENCE}"]
    (log,) = (
        variable["value"] for variable in predictor["model"]["env"] if variable["name"] == "PREDICTOR_INFERENCE_LOG"
    )
    assert log == f"{shipper['args'][1]}/{{{{.Namespace}}}}"
