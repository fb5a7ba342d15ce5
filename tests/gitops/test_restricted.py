"""Pod Security's level `restricted`: the namespaces carry it, and the pods of a model fit."""

from tests.gitops.render import ROOT, Tree, only

LEVEL = "pod-security.kubernetes.io/enforce"
# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_argo_cd_makes_namespaces_that_take_restricted_pods_only() -> None:
    """The label stands on each namespace that Argo CD makes, and nothing lowers the level."""
    policy = only(Tree(ROOT / "gitops").render("argocd"), "ApplicationSet")["spec"]["template"]["spec"]["syncPolicy"]
    assert policy["managedNamespaceMetadata"] == {"labels": {LEVEL: "restricted"}}
    assert "CreateNamespace=true" in policy["syncOptions"]


def test_the_containers_of_a_model_are_restricted() -> None:
    """The predictor's by its runtime, the storage initializer's by what the chart of KServe is given.

    KServe's chart gives the storage initializer all but the profile (charts/kserve-resources/README.md,
    kserve.storage.containerSecurityContext); Knative's queue-proxy is restricted by itself.
    """
    (container,) = only(Tree(ROOT / "gitops").render("base"), "ServingRuntime")["spec"]["containers"]
    assert RESTRICTED.items() <= container["securityContext"].items()
    cluster = (ROOT / "docs/to-your-cluster/cluster.md").read_text()
    assert "--set kserve.storage.containerSecurityContext.seccompProfile.type=RuntimeDefault" in cluster
