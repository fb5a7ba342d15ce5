import re

from tests.gitops.render import ROOT, Tree, only


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
