"""gitops/initializer: the ClusterStorageContainer that downloads artifacts, and the component that names it."""

import re

from tests.gitops.render import ROOT, Tree, only
from tests.gitops.test_components import render
from tests.gitops.test_environments import images
from tests.gitops.types_of_kserve import problems

DIGEST = f"sha256-{'0a' * 32}"


def test_it_is_what_kserve_takes() -> None:
    """It fits KServe's type, by the name that KServe looks for, with the command of initializer/ and no argument."""
    (manifest,) = Tree(ROOT / "gitops").render("initializer")
    assert problems(manifest, "V1alpha1ClusterStorageContainer") == []
    container = manifest["spec"]["container"]
    assert container["name"] == "storage-initializer"
    assert container["command"] == ["python", "-m", "initializer"]
    assert "args" not in container, "KServe gives the URI and the folder"
    assert manifest["spec"]["workloadType"] == "initContainer"
    (image,) = images(manifest)
    assert re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", image)


def test_a_namespace_may_be_restricted() -> None:
    """The container asks for nothing that the Pod Security Standard `restricted` forbids, and runs as the image."""
    (manifest,) = Tree(ROOT / "gitops").render("initializer")
    security = manifest["spec"]["container"]["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (security["runAsUser"], security["runAsNonRoot"], security["allowPrivilegeEscalation"]) == (
        10001,
        True,
        False,
    )


def test_it_takes_artifacts_and_nothing_else() -> None:
    """KServe matches a URI by this expression: with a digest and the trailing slash, or not at all."""
    (manifest,) = Tree(ROOT / "gitops").render("initializer")
    (format_,) = manifest["spec"]["supportedUriFormats"]
    assert re.match(format_["regex"], f"s3://bucket/models/iris/{DIGEST}/")
    for other in (f"s3://bucket/models/iris/{DIGEST}", "s3://bucket/models/iris/v1/", f"gs://b/iris/{DIGEST}/"):
        assert not re.match(format_["regex"], other)


def test_the_component_names_it(tree: Tree) -> None:
    """Each release of an environment with the component says which container downloads for it."""
    (manifest,) = Tree(ROOT / "gitops").render("initializer")
    assert "storageContainerName" not in only(render(tree), "InferenceService")["spec"]["predictor"]
    service = only(render(tree, "initializer"), "InferenceService")
    assert service["spec"]["predictor"]["storageContainerName"] == manifest["metadata"]["name"]
