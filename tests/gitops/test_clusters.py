"""gitops/argocd/clusters: staging and production in clusters of their own."""

from tests.gitops.render import Manifest, Tree, only

ENVIRONMENTS = ("staging", "production")


def render(tree: Tree, *components: str) -> list[Manifest]:
    """gitops/argocd with these components."""
    file = tree.folder / "argocd/kustomization.yaml"
    file.write_text(file.read_text() + "components:\n" + "".join(f"  - {name}\n" for name in components))
    return tree.render("argocd")


def test_each_environment_goes_to_the_cluster_of_its_label(tree: Tree) -> None:
    """Its folders are paired with what Argo CD's cluster generator finds, whose `server` is the destination.

    No controller of ApplicationSets runs here: that a cluster has a `server` is what Argo CD's
    docs/operator-manual/applicationset/Generators-Cluster.md says.
    """
    current = only(tree.render("argocd"), "ApplicationSet")["spec"]
    spec = only(render(tree, "clusters", "reports"), "ApplicationSet")["spec"]
    for environment, generator, before in zip(ENVIRONMENTS, spec["generators"], current["generators"], strict=True):
        git, clusters = generator["matrix"]["generators"]
        assert clusters == {"clusters": {"selector": {"matchLabels": {"modelpin": environment}}}}
        assert git == before["matrix"]["generators"][0]
    assert spec["template"]["metadata"]["name"] == current["template"]["metadata"]["name"]
    assert spec["template"]["spec"] == current["template"]["spec"]


def test_a_project_reaches_the_cluster_of_its_environment_alone(tree: Tree) -> None:
    """By name: the label decides where an Application goes, and the name whether it may."""
    projects = {
        document["metadata"]["name"]: document["spec"]
        for document in render(tree, "clusters")
        if document["kind"] == "AppProject"
    }
    for environment in ENVIRONMENTS:
        destinations = projects[f"modelpin-{environment}"]["destinations"]
        assert destinations == [{"name": environment, "namespace": f"*-{environment}"}]
