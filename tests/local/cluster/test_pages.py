"""The blocks of docs/to-your-cluster that `make cluster` runs, and the node that it runs them on."""

import re

import pytest
import yaml

from artifact.errors import ConfigurationError
from local.cluster import names, node, pages


def test_the_pages_are_what_is_run() -> None:
    """cert-manager, Knative, KServe and Argo CD, by the first block under each heading and the pinned versions."""
    blocks = {block.title: block.shell for block in pages.blocks()}
    assert list(blocks) == ["cert-manager", "Knative Serving", "KServe", "Argo CD"]
    named = {name for shell in blocks.values() for name in re.findall(r"\$([A-Z_]+)", shell)}
    assert named == {"CERT_MANAGER_VERSION", "KNATIVE_VERSION", "KSERVE_VERSION", "ARGOCD_VERSION", "DOMAIN"}
    assert named <= set(names.environment(names.STATE))


def test_a_block_can_be_run_again() -> None:
    """Nothing is created or installed that would be refused because it is there."""
    for block in pages.blocks():
        assert not re.search(r"helm install|kubectl create (?!.*--dry-run=client)", block.shell), block.title


def test_a_heading_that_is_gone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page and the heading."""
    monkeypatch.setattr(pages, "INSTALL", (("cluster.md", "Istio"),))
    with pytest.raises(ConfigurationError, match=r"cluster\.md has no block of `sh` under the heading 'Istio'"):
        pages.blocks()


def test_the_node_is_one_that_is_pinned_and_new_enough() -> None:
    """Its image by digest, of a Kubernetes that is not older than the oldest that Knative starts on."""
    (single_node,) = yaml.safe_load(node.CONFIG.read_text())["nodes"]
    image = re.fullmatch(r"kindest/node:v(\d+)\.(\d+)\.\d+@sha256:[0-9a-f]{64}", single_node["image"])
    assert image
    assert [int(image[1]), int(image[2])] >= [int(part) for part in names.versions()["KUBERNETES_MINIMUM"].split(".")]
