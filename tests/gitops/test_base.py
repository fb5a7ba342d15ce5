import re

from tests.gitops.render import ROOT, Tree, only
from tests.gitops.test_environments import release


def test_the_runtime_asks_the_model_whether_it_is_ready() -> None:
    """Readiness is the model's (verified, loaded, golden replayed), liveness the server's."""
    (container,) = only(Tree(ROOT / "gitops").render("base"), "ServingRuntime")["spec"]["containers"]
    assert container["name"] == "kserve-container"  # the name KServe merges the InferenceService's model into
    assert container["readinessProbe"]["httpGet"] == {"path": "/v2/models/{{.Labels.model}}/ready", "port": 8080}
    assert "periodSeconds" not in container["readinessProbe"]  # Knative's own, faster probing
    assert container["livenessProbe"]["httpGet"] == {"path": "/v2/health/live", "port": 8080}
    assert [port["containerPort"] for port in container["ports"]] == [8080]  # Knative exposes one
    words = container["args"]
    arguments = dict(zip(words[::2], words[1::2], strict=True))
    assert arguments == {"--model_dir": "/mnt/models", "--model_name": "{{.Labels.model}}", "--http_port": "8080"}


def test_the_predictor_has_no_rights_to_lose(tree: Tree) -> None:
    """Not root, no privilege to gain, no capability, nothing to write to, no token of the Kubernetes API."""
    release(tree, "flower", "staging")
    manifests = tree.render("models/flower/staging")
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


def test_a_release_scales_to_zero(tree: Tree) -> None:
    """Knative mode, no replica at rest, bounded replicas, time and resources; nothing of KServe's own canary."""
    release(tree, "flower", "staging")
    service = only(tree.render("models/flower/staging"), "InferenceService")
    annotations = service["metadata"]["annotations"]
    assert annotations["serving.kserve.io/deploymentMode"] == "Knative"
    assert "serving.kserve.io/enable-tag-routing" not in annotations
    predictor = service["spec"]["predictor"]
    assert "canaryTrafficPercent" not in predictor
    assert predictor["minReplicas"] == 0
    assert predictor["maxReplicas"] > 0
    assert 0 < predictor["timeout"] <= 600  # Knative's max-revision-timeout-seconds
    assert set(predictor["model"]["resources"]) == {"requests", "limits"}


def test_releases_keep_being_reconciled() -> None:
    """No disable-auto-update: KServe would then skip every change of a Ready InferenceService, releases included."""
    texts = [file.read_text() for file in (ROOT / "gitops").rglob("*.yaml")]
    assert not [text for text in texts if re.search(r"disable-auto-update[\"']?:", text)]


def test_the_route_comes_before_the_releases(tree: Tree) -> None:
    """Sync waves: the Route in 0, with runtime and identity, the InferenceServices in 1.

    A Route that takes a candidate back then does not wait behind that candidate.
    """
    release(tree, "flower", "staging")
    waves: dict[str, str] = {}
    for manifest in tree.render("models/flower/staging"):
        annotations = manifest["metadata"].get("annotations", {})
        waves[manifest["kind"]] = annotations.get("argocd.argoproj.io/sync-wave", "0")
    assert waves == {
        "ConfigMap": "0",
        "ServiceAccount": "0",
        "ServingRuntime": "0",
        "Route": "0",
        "InferenceService": "1",
    }


def test_settings_are_copied_where_they_are_needed(tree: Tree) -> None:
    """Role and region come from settings.yaml, which itself is never applied; the role is the namespace's own."""
    file = tree.folder / "settings/settings.yaml"
    text = re.sub(r'serving-role-arn: ".*"', 'serving-role-arn: "arn:aws:iam::999988887777:role/r"', file.read_text())
    file.write_text(re.sub(r'region: ".*"', 'region: "us-east-2"', text))
    manifests = tree.render("models/flower/production")
    assert only(manifests, "ServiceAccount")["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::999988887777:role/r-flower-production",
        "serving.kserve.io/s3-region": "us-east-2",
    }
    assert "settings" not in {manifest["metadata"]["name"] for manifest in manifests}


def test_the_predictor_has_no_credentials(tree: Tree) -> None:
    """IRSA gives its role to all containers of a pod but those that its annotation names: all but the initializer.

    The webhook itself is not here; its annotation is read from the pod, where KServe and Knative copy it to.
    """
    release(tree, "flower", "staging")
    manifests = tree.render("models/flower/staging")
    skipped = only(manifests, "InferenceService")["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"]
    containers = {container["name"] for container in only(manifests, "ServingRuntime")["spec"]["containers"]}
    assert set(skipped.split(",")) == containers | {"queue-proxy"}
