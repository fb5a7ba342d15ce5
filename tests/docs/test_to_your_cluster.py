import re
import subprocess
from pathlib import Path

import pytest

from release.aws import files, trust
from release.commands import adopt
from release.commands.configure import ACCOUNT
from release.settings import Settings, key

ROOT = Path(__file__).parents[2]
INDEX = (ROOT / "docs/to-your-cluster.md").read_text()
FOLDER = ROOT / "docs/to-your-cluster"
PAGES = re.findall(r"^\| \[.*?\]\(to-your-cluster/(.*?\.md)\) \|", INDEX, re.M)
TEXT = "\n".join([INDEX, *((FOLDER / page).read_text() for page in PAGES)])
VERSIONS = dict(re.findall(r"^export ([A-Z_]+)=(\S+)$", (FOLDER / "versions.env").read_text(), re.M))
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.M | re.S)
SHELL = "\n".join(BLOCKS)
CODE = SHELL + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.S)))
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.M))
# Written by the training or by the reader's shell, not committed.
ELSEWHERE = ("/tmp/", "/mnt/", "http", "arn:")


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0][:40] for block in BLOCKS])
def test_each_block_is_shell(block: str) -> None:
    """bash reads every block."""
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
    assert done.stderr == ""


def test_every_page_is_in_the_reading_order() -> None:
    """The index names each page once, and every link between the pages leads to a file."""
    assert sorted(PAGES) == sorted(path.name for path in FOLDER.glob("*.md"))
    for path in [ROOT / "docs/to-your-cluster.md", *FOLDER.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), (path.name, target)


def test_versions_stand_in_one_file() -> None:
    """No block names a version of what it installs; each of versions.env is used by the pages, or by a check."""
    assert set(VERSIONS) - set(re.findall(r"\$([A-Z_]+)", SHELL)) == {"KUBERNETES_MINIMUM"}
    assert re.findall(r"\bv?\d+\.\d+\.\d+\b", SHELL) == []


def test_applying_to_argocds_own_configmap_keeps_its_labels() -> None:
    """A second server-side apply under kubectl's own manager would drop what the installation's set."""
    applied = re.findall(r"kubectl apply [^\n]*--server-side[^\n]*", SHELL + (ROOT / "docs/releases.md").read_text())
    ours = [line for line in applied if "gitops/" in line]
    assert ours
    assert all("--field-manager=modelpin" in line for line in ours)


def test_every_make_target_exists() -> None:
    """`make …` in the page is a target of the Makefile."""
    named = set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", CODE))
    assert named
    assert named <= TARGETS


def test_every_setting_exists() -> None:
    """What is given to `make configure`, and each setting named in the text, is a key of settings.yaml."""
    keys = {key(name) for name in Settings.__dataclass_fields__}
    command = " ".join(re.findall(r"^make configure (.*?[^\\])\n", SHELL, re.M | re.S))
    inputs = {name.lower().replace("_", "-") for name in re.findall(r"\b([A-Z_]+)=", command)}
    assert inputs <= keys | {ACCOUNT}
    assert {"bucket", "registry", "region", "domain", "gitops-url", "github-repository", "cluster-issuer"} <= inputs
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+-arn)`", TEXT)) <= keys


def test_every_path_exists() -> None:
    """A path of this repository in the page is there."""
    words = {word.strip("'\"():,;") for word in CODE.split()}
    paths = {word for word in words if re.match(r"(\.github|\.dvc|gitops|data|docs|release|record)[/.]", word)}
    paths = {path for path in paths if not path.startswith(ELSEWHERE) and "<" not in path}
    assert "gitops/settings/settings.yaml" in paths
    # The example's own folder may be gone: a repository of your own has another model.
    example = set(adopt.files("iris")) | {"data/iris.csv.dvc"}
    example |= {str(parent) for path in example for parent in Path(path).parents} | {
        Path(path).name for path in example
    }
    missing = {path for path in paths if path not in example and not (ROOT / path).exists()}
    assert missing == set()


def test_every_variable_is_set_before_it_is_used() -> None:
    """No block depends on a variable that none before it exports."""
    reference = {"HOME"}
    for block in BLOCKS:
        for line in block.splitlines():
            used = set(re.findall(r"\$([A-Z][A-Z_]*)", line))
            assert used <= reference | set(re.findall(r"\b([A-Z_]+)=", line)), line
            if line == ". docs/to-your-cluster/versions.env":
                reference |= set(VERSIONS)
            if line.startswith("export "):
                reference |= set(re.findall(r"\b([A-Z_]+)=", line))


def test_what_was_set_up_is_taken_down() -> None:
    """Each way in, each role of AWS and each environment of GitHub stands in a block of the page."""
    page = (FOLDER / "uninstall.md").read_text()
    shell = " ".join(re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S))
    ways = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("gitops/exposure/*/kustomization.yaml")}
    ways.remove("gitops/exposure/settings")  # a component of two of them
    (roles,) = re.findall(r"for role in (.*?);", shell)
    (environments,) = re.findall(r"for environment in (.*?);", shell)
    assert set(re.findall(r"gitops/exposure/[a-z-]+", shell)) == ways
    assert set(roles.split()) == {*files.ROLES, "serving-iris-staging", "serving-iris-production"}
    assert set(environments.split()) == {name for names in trust.ENVIRONMENTS.values() for name in names}
