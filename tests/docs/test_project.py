"""What stands beside the code for people who come from outside: versions agree, indexes are whole, files are valid."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SUPPORT = (ROOT / "docs/support.md").read_text()
PAGES = ["CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "docs/support.md", "docs/adr/README.md"]


def test_the_version_is_the_same_everywhere() -> None:
    """pyproject.toml, CITATION.cff and the newest version of the changelog have one number."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[0]
    assert citation["version"] == newest == PROJECT["version"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    """So does every path that the page names."""
    path = ROOT / page
    text = path.read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []
    named = re.findall(r"`((?:[\w.]+/)+[\w.-]*|[\w]+\.(?:toml|cff|yaml))`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_index_of_decisions_is_whole() -> None:
    """Each page of docs/adr is in it once, in order, by its own number."""
    pages = sorted((ROOT / "docs/adr").glob("0*.md"))
    expected = [(str(int(page.name[:4])), page.name) for page in pages]
    index = (ROOT / "docs/adr/README.md").read_text()
    assert re.findall(r"^(\d+)\. \[.+\]\((.+)\)$", index, re.M) == expected


def test_the_supported_versions_are_those_that_are_installed() -> None:
    """The table against the locks, CI's matrix, and what docs/to-your-cluster installs."""
    table = {
        row.split("|")[1].strip(): row.split("|")[2].strip() for row in SUPPORT.splitlines() if row.startswith("| ")
    }
    serving = dict(re.findall(r"^([\w-]+)==(\d+\.\d+)", (ROOT / "requirements/serving.txt").read_text(), re.M))
    cluster = dict(
        re.findall(r"^export (\w+)=v?(\d+\.\d+)", (ROOT / "docs/to-your-cluster/versions.env").read_text(), re.M)
    )
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert table["KServe"] == serving["kserve"] == cluster["KSERVE_VERSION"]
    assert table["scikit-learn"] == serving["scikit-learn"]
    assert table["Knative Serving"] == cluster["KNATIVE_VERSION"]
    assert table["Argo CD"] == cluster["ARGOCD_VERSION"]
    assert table["Kubernetes"].startswith(cluster["KUBERNETES_MINIMUM"])
    assert table["Python, to train and release"].split(", ") == workflow["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_editors_get_settings_that_are_there() -> None:
    """The schema of params.yaml is where VS Code looks, and the container recommends what the workspace does."""
    settings = json.loads((ROOT / ".vscode/settings.json").read_text())
    assert {
        (ROOT / schema).exists() and (ROOT / file).exists() for schema, file in settings["yaml.schemas"].items()
    } == {True}
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    recommended = json.loads((ROOT / ".vscode/extensions.json").read_text())["recommendations"]
    assert container["customizations"]["vscode"]["extensions"] == recommended


def test_issue_forms_are_forms() -> None:
    """Each has a name, a description and fields with labels and ids of their own (GitHub hides one that has not)."""
    for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")):
        form = yaml.safe_load(path.read_text())
        if path.name == "config.yml":
            continue
        assert form["name"]
        assert form["description"]
        ids = [field["id"] for field in form["body"]]
        assert len(set(ids)) == len(ids)
        assert all(field["attributes"]["label"] for field in form["body"])
