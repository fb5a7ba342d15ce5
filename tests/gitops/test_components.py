"""gitops/components and gitops/exposure: what a model may have beside its base, and how requests reach it."""

import dataclasses
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from artifact.attestation import signers
from release import settings
from tests.gitops.render import ROOT, Manifest, Tree, only
from tests.gitops.test_environments import check, release

COMPONENTS = sorted(path.parent.name for path in (ROOT / "gitops/components").glob("*/kustomization.yaml"))
VISIBILITY = "networking.knative.dev/visibility"
FOLDER = "models/flower/staging"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/c"


def add_components(tree: Tree, *names: str) -> None:
    """Name components (default: all) in an environment's kustomization.yaml, after the base."""
    file = tree.folder / FOLDER / "kustomization.yaml"
    document = yaml.safe_load(file.read_text())
    document["components"] += [f"../../../components/{name}" for name in names or COMPONENTS]
    document["images"] = [
        {"name": "modelpin/release", "newName": "registry.example.com/r", "digest": f"sha256:{'ab' * 32}"}
    ]
    file.write_text(yaml.safe_dump(document))


def render(tree: Tree, *names: str) -> list[Manifest]:
    """The environment with these components, none of them unknown to the API server."""
    release(tree, "flower", "staging")
    if names:
        add_components(tree, *names)
    manifests = tree.render(FOLDER)
    check(manifests)
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"flower-staging"}
    return manifests


def test_nothing_is_exposed_by_default(tree: Tree) -> None:
    """The Route and each release have a name within the cluster only."""
    manifests = render(tree)
    for kind in ("Route", "InferenceService"):
        assert only(manifests, kind)["metadata"]["labels"][VISIBILITY] == "cluster-local"


@pytest.mark.parametrize(("component", "kind"), [("exposed", "Route"), ("exposed-releases", "InferenceService")])
def test_what_is_exposed_is_said(tree: Tree, component: str, kind: str) -> None:
    """A component takes the label from one kind, and leaves the other inside."""
    manifests = render(tree, component)
    hidden = {manifest["kind"] for manifest in manifests if VISIBILITY in manifest["metadata"].get("labels", {})}
    assert hidden == {"Route", "InferenceService"} - {kind}


def test_only_what_serving_needs_passes(tree: Tree) -> None:
    """All is denied; the list of what is not is this one, and the node's credentials are not in it."""
    policies = {
        document["metadata"]["name"]: document["spec"]
        for document in render(tree, "network-policies")
        if document["kind"] == "NetworkPolicy"
    }
    assert policies.pop("default-deny") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def ports(name: str) -> set[int]:
        (rule,) = policies[name].get("ingress") or policies[name]["egress"]
        return {entry["port"] for entry in rule["ports"]}

    assert {name: (policies[name]["policyTypes"][0], ports(name)) for name in policies} == {
        "requests": ("Ingress", {8012, 8013, 8112}),
        "autoscaler": ("Ingress", {9090}),
        "prometheus": ("Ingress", {8080, 9091}),
        "names": ("Egress", {53}),
        "s3-and-sts": ("Egress", {443}),
    }
    # By CoreDNS's pods or by the node: a selector of pods would leave a cluster of EKS Auto Mode without names.
    assert "to" not in policies["names"]["egress"][0]
    assert policies["s3-and-sts"]["egress"][0]["to"][0]["ipBlock"]["except"] == ["169.254.0.0/16"]
    (container,) = only(Tree(ROOT / "gitops").render("base"), "ServingRuntime")["spec"]["containers"]
    assert {port["containerPort"] for port in container["ports"]} <= ports("prometheus")


def test_who_may_come_in_is_named_as_upstream_names_it(tree: Tree) -> None:
    """Labels and ports are those of Knative's and Kourier's manifests, which are in no package that the tests install.

    `app` of the pods: knative/serving, config/core/deployments/{activator,autoscaler}.yaml, and
    knative-extensions/net-kourier, config/300-gateway.yaml; Knative's operator puts all three into the namespace of
    the KnativeServing. Ports of queue-proxy: knative/serving, pkg/networking/constants.go; 8112 is its
    QUEUE_SERVING_TLS_PORT (pkg/reconciler/revision/resources/queue.go).
    """
    upstream = {
        "requests": ({"3scale-kourier-gateway", "activator"}, {8012, 8013, 8112}),
        "autoscaler": ({"autoscaler"}, {9090}),
    }
    policies = {
        document["metadata"]["name"]: document["spec"]
        for document in render(tree, "network-policies")[::-1]
        if "spec" in document
    }
    for name, (apps, ports) in upstream.items():
        (rule,) = policies[name]["ingress"]
        (peer,) = rule["from"]
        assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "knative-serving"}
        (selected,) = peer["podSelector"].get("matchExpressions") or [
            {"key": key, "values": [value]} for key, value in peer["podSelector"]["matchLabels"].items()
        ]
        assert (selected["key"], set(selected["values"])) == ("app", apps)
        assert {entry["port"] for entry in rule["ports"]} == ports
    cluster = (ROOT / "docs/to-your-cluster/cluster.md").read_text()
    assert "name: knative-serving\n  namespace: knative-serving" in cluster
    service = only(Tree(ROOT / "gitops").render("exposure/nlb"), "Service")["spec"]
    assert service["selector"] == {"app": "3scale-kourier-gateway"}
    # Kourier's listener of hosts that are exposed; cluster-local ones are on 8081 (net-kourier, pkg/config/config.go).
    assert [port["targetPort"] for port in service["ports"]] == [8080]


def test_a_quota_refuses_no_pod_that_serves(tree: Tree) -> None:
    """Requests alone are limited, a container without any gets some, and all replicas of two releases fit."""
    manifests = render(tree, "quota")
    hard = only(manifests, "ResourceQuota")["spec"]["hard"]
    assert not [name for name in hard if name.startswith("limits.")]
    (limit,) = only(manifests, "LimitRange")["spec"]["limits"]
    assert set(limit["defaultRequest"]) == {"cpu", "memory"}
    predictor = only(manifests, "InferenceService")["spec"]["predictor"]
    assert 2 * predictor["maxReplicas"] <= int(hard["pods"])
    cpu = int(predictor["model"]["resources"]["requests"]["cpu"].removesuffix("m")) + 25 + 100
    assert 2 * predictor["maxReplicas"] * cpu <= 1000 * int(hard["requests.cpu"])


def test_a_drain_takes_one_pod_at_a_time(tree: Tree) -> None:
    """A single pod does not block it, and neither does one that is not ready."""
    spec = only(render(tree, "disruption-budget"), "PodDisruptionBudget")["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_the_analysis_of_canaries_may_nothing_in_the_cluster(tree: Tree) -> None:
    """One step at a time, in any namespace, by an identity without a token, as Pod Security's `restricted` wants it."""
    manifests = render(tree, "canary-analysis")
    spec = only(manifests, "CronJob")["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    accounts = {
        manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == "ServiceAccount"
    }
    account = accounts[pod["serviceAccountName"]]
    assert (spec["concurrencyPolicy"], pod["restartPolicy"]) == ("Forbid", "Never")
    assert "annotations" not in account["metadata"]
    assert account["automountServiceAccountToken"] is pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not [manifest for manifest in manifests if manifest["kind"] in ("Role", "RoleBinding", "ClusterRoleBinding")]
    script = container["command"][-1].replace("exec python", "echo")
    done = subprocess.run(
        ["sh", "-c", script],
        env={"NAMESPACE": "red-flower-staging", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split()[-4:] == ["--env", "staging", "--model", "red-flower"]


def test_the_predictor_is_told_whom_to_trust(tree: Tree) -> None:
    """The list of signers is mounted where the variable says, from the ConfigMap that is applied with it."""
    manifests = render(tree, "signed-models")
    files = next(manifest["data"] for manifest in manifests if manifest["metadata"]["name"] == "signers")
    predictor = only(manifests, "InferenceService")["spec"]["predictor"]
    (mount,) = predictor["model"]["volumeMounts"]
    (volume,) = predictor["volumes"]
    assert volume == {"name": mount["name"], "configMap": {"name": "signers"}}
    path = next(variable["value"] for variable in predictor["model"]["env"] if variable["name"] == "PREDICTOR_SIGNERS")
    assert Path(path).relative_to(mount["mountPath"]) == Path(signers.FILE)
    signers.parse(files[signers.FILE], "here", files.get(signers.TRUSTED_ROOT))


def test_all_components_together(tree: Tree) -> None:
    """They do not get in one another's way."""
    assert len(COMPONENTS) == 10
    root = tree.folder.parent
    image = f"registry.example.com/modelpin/predictor@sha256:{'a' * 64}"
    chosen = dataclasses.replace(settings.read(root), shipper_image=image)
    (root / settings.PATH).write_text(settings.render(chosen))
    assert len(render(tree, *COMPONENTS)) > 10


@pytest.fixture
def exposing(tmp_path: Path) -> Tree:
    """gitops/ with a domain and a certificate in its settings."""
    tree = Tree.copy(tmp_path)
    file = tree.folder / "settings/settings.yaml"
    document = yaml.safe_load(file.read_text())
    document["data"] |= {
        "domain": "ml.acme.example",
        "certificate-arn": "arn:aws:acm:eu-west-1:111122223333:certificate/c",
    }
    file.write_text(yaml.safe_dump(document))
    return tree


@pytest.mark.parametrize(("way", "kind"), [("nlb", "Service"), ("alb", "Ingress")])
def test_a_load_balancer_is_inside_and_ends_tls(exposing: Tree, way: str, kind: str) -> None:
    """Its certificate and its name are those of the settings; who wants it on the internet says so in a patch."""
    (manifest,) = exposing.render(f"exposure/{way}")
    assert manifest["kind"] == kind
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    annotations = manifest["metadata"]["annotations"]
    assert annotations["external-dns.alpha.kubernetes.io/hostname"] == "*.ml.acme.example"
    assert CERTIFICATE in annotations.values()
    assert {value for name, value in annotations.items() if name.endswith("scheme")} == {"internal"}
    if kind == "Ingress":
        assert [rule["host"] for rule in manifest["spec"]["rules"]] == ["*.ml.acme.example"]
        assert annotations["alb.ingress.kubernetes.io/ssl-redirect"] == "443"


def test_a_gateway_asks_every_request_for_a_token(exposing: Tree) -> None:
    """The policies are of the whole Gateway, so that no route is without.

    Envoy Gateway's CRDs are in no package that the tests install: the manifests were validated by them once, by hand.
    """
    manifests = exposing.render("exposure/gateway-api")
    gateway = only(manifests, "Gateway")
    (listener,) = gateway["spec"]["listeners"]
    assert (listener["protocol"], listener["hostname"]) == ("HTTPS", "*.ml.acme.example")
    for kind in ("SecurityPolicy", "BackendTrafficPolicy"):
        (target,) = only(manifests, kind)["spec"]["targetRefs"]
        assert (target["kind"], target["name"]) == ("Gateway", gateway["metadata"]["name"])
    (provider,) = only(manifests, "SecurityPolicy")["spec"]["jwt"]["providers"]
    assert provider["remoteJWKS"]["uri"].startswith("https://")
    assert (provider["issuer"], provider["audiences"]) == ("https://login.example.com/", ["models"])
