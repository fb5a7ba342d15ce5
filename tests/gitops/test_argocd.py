import json
import posixpath
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.gitops import spec_digest
from release.gitops.worktree import Worktree
from tests.gitops.render import ROOT, Manifest, Tree, only
from tests.gitops.test_components import add_components
from tests.gitops.test_environments import release

CLUSTER = "https://kubernetes.default.svc"  # Argo CD's own
HEALTH = ROOT / "gitops/argocd/health.lua"


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return Tree(ROOT / "gitops").render("argocd")


def test_an_application_heals_itself_and_never_empties_itself(manifests: list[Manifest]) -> None:
    """Self-heal, prune, no empty sync, server-side apply and diff, retries with the newest commit."""
    template = only(manifests, "ApplicationSet")["spec"]["template"]
    policy = template["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
    assert policy["syncOptions"] == [
        "CreateNamespace=true",
        "ServerSideApply=true",
        "PrunePropagationPolicy=background",
    ]
    assert policy["retry"]["limit"] > 0
    assert policy["retry"]["refresh"] is True
    assert template["metadata"]["annotations"]["argocd.argoproj.io/compare-options"] == "ServerSideDiff=true"


def test_deleting_a_folder_does_not_stop_a_model(manifests: list[Manifest]) -> None:
    """The Applications go, what they applied stays until a person deletes it."""
    assert only(manifests, "ApplicationSet")["spec"]["syncPolicy"] == {"preserveResourcesOnDeletion": True}


def test_every_environment_folder_becomes_an_application(manifests: list[Manifest]) -> None:
    """models/<model>/<environment> → Application and namespace <model>-<environment>."""
    spec = only(manifests, "ApplicationSet")["spec"]
    assert spec["goTemplateOptions"] == ["missingkey=error"]
    pairs = [generator["matrix"]["generators"] for generator in spec["generators"]]
    patterns = [path["path"] for git, _ in pairs for path in git["git"]["directories"]]
    assert [clusters for _, clusters in pairs] == [{"list": {"elements": [{"server": CLUSTER}]}}] * len(pairs)
    assert spec["template"]["spec"]["destination"]["server"] == "{{ .server }}"
    folders = [folder for pattern in patterns for folder in sorted(ROOT.glob(pattern)) if folder.is_dir()]
    assert sorted(folders) == sorted(path.parent for path in ROOT.glob("gitops/models/*/*/environment.yaml"))
    assert [folder.relative_to(ROOT).parts[:2] for folder in folders] == [("gitops", "models")] * len(folders)
    assert folders
    for folder in folders:
        segments = folder.relative_to(ROOT).parts

        def fill(text: str, segments: tuple[str, ...] = segments) -> str:
            text = text.replace("{{ .path.path | dir | base }}", segments[-2])
            text = text.replace("{{ .path.basename }}", segments[-1]).replace("{{ .path.path }}", "/".join(segments))
            assert "{{" not in text
            return text

        template = spec["template"]
        name = f"{segments[2]}-{segments[3]}"
        assert fill(template["metadata"]["name"]) == name
        assert fill(template["spec"]["destination"]["namespace"]) == name
        assert fill(template["spec"]["source"]["path"]) == "/".join(segments)
        assert f"namespace: {name}\n" in (folder / "kustomization.yaml").read_text()


def test_a_project_allows_what_its_environment_renders_and_no_more(manifests: list[Manifest], tree: Tree) -> None:
    """One repository, this cluster, the namespaces of one environment, and exactly the kinds that it renders."""
    applications = only(manifests, "ApplicationSet")["spec"]
    application = applications["template"]["spec"]
    urls = {generator["matrix"]["generators"][0]["git"]["repoURL"] for generator in applications["generators"]}
    projects = {item["metadata"]["name"]: item["spec"] for item in manifests if item["kind"] == "AppProject"}
    assert application["project"] == "modelpin-{{ .path.basename }}"
    release(tree, "flower", "staging")
    add_components(tree)
    rendered = {
        (manifest["apiVersion"].rpartition("/")[0], manifest["kind"])
        for manifest in tree.render("models/flower/staging")
    }
    environments = {folder.name for folder in (ROOT / "gitops/models").glob("*/*/")}
    assert set(projects) == {f"modelpin-{environment}" for environment in environments}
    for environment in environments:
        project = projects[f"modelpin-{environment}"]
        assert set(project["sourceRepos"]) == urls
        (destination,) = project["destinations"]
        assert destination == {"server": CLUSTER, "namespace": f"*-{environment}"}
        assert project["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": f"*-{environment}"}]
        assert {(entry["group"], entry["kind"]) for entry in project["namespaceResourceWhitelist"]} == rendered


def test_repository_branch_and_path_come_from_the_settings(tmp_path: Path) -> None:
    """`make configure` is enough, for each environment: no manifest names a repository of its own."""
    tree = Tree.copy(tmp_path)
    file = tree.folder / "settings/settings.yaml"
    text = file.read_text()
    for key, value in {
        "gitops-url": "https://git.example.org/a/b.git",
        "gitops-branch": "staged",
        "production-url": "https://git.example.org/a/c.git",
        "production-branch": "live",
        "gitops-path": "clusters/eu",
    }.items():
        text = re.sub(f'  {key}: ".*"', f'  {key}: "{value}"', text)
    file.write_text(text)
    manifests = tree.render("argocd")
    spec = only(manifests, "ApplicationSet")["spec"]
    urls = ["https://git.example.org/a/b.git", "https://git.example.org/a/c.git"]
    own = zip(spec["generators"], ("staging", "production"), urls, ("staged", "live"), strict=True)
    for generator, environment, url, branch in own:
        git = generator["matrix"]["generators"][0]["git"]
        assert (git["repoURL"], git["revision"]) == (url, branch)
        assert git["values"] == {"url": url, "revision": f"refs/heads/{branch}"}
        assert git["directories"] == [{"path": f"clusters/eu/models/*/{environment}"}]
    source = spec["template"]["spec"]["source"]
    assert (source["repoURL"], source["targetRevision"]) == ("{{ .values.url }}", "{{ .values.revision }}")
    projects = {item["metadata"]["name"]: item["spec"] for item in manifests if item["kind"] == "AppProject"}
    for environment, url in zip(("staging", "production"), urls, strict=True):
        assert projects[f"modelpin-{environment}"]["sourceRepos"] == [url]
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"argocd"}


def test_a_commit_elsewhere_leaves_an_applications_cache_alone(manifests: list[Manifest], tree: Tree) -> None:
    """The paths that Argo CD compares between two commits are all that a folder is rendered from, and no other's."""
    template = only(manifests, "ApplicationSet")["spec"]["template"]
    paths = template["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"].split(";")
    folder = "gitops/models/flower/staging"
    # As Argo CD resolves them (util/app/path): relative to the Application's folder.
    watched = [posixpath.normpath(posixpath.join(folder, path)) for path in paths]
    read = spec_digest.paths(Worktree(tree.folder.parent), folder)
    assert {"gitops/base/route.yaml", "gitops/settings/settings.yaml", f"{folder}/kustomization.yaml"} <= read
    assert not [path for path in read if not any(path.startswith(f"{pattern}/") for pattern in watched)]
    assert not [pattern for pattern in watched if "gitops/models/other/staging/record.yaml".startswith(f"{pattern}/")]


def test_argo_cd_gets_the_health_rule(manifests: list[Manifest]) -> None:
    """The ConfigMap adds one key to argocd-cm, and nothing that would replace the installation's own.

    None for the Route, which comes in an earlier wave: not healthy before its first release is, it would keep Argo CD
    from applying that one.
    """
    config = only(manifests, "ConfigMap")
    assert config["metadata"]["name"] == "argocd-cm"
    assert config["data"] == {"resource.customizations.health.serving.kserve.io_InferenceService": HEALTH.read_text()}


def test_argo_cd_reports_which_releases_are_healthy(tree: Tree) -> None:
    """With the component the Applications subscribe, the health that notifications read is kept, and no key is here."""
    file = tree.folder / "argocd/kustomization.yaml"
    file.write_text(file.read_text() + "components:\n  - reports\n")
    manifests = tree.render("argocd")
    configs = {item["metadata"]["name"]: item["data"] for item in manifests if item["kind"] == "ConfigMap"}
    assert configs["argocd-cmd-params-cm"] == {"controller.resource.health.persist": "true"}
    notifications = {name: yaml.safe_load(text) for name, text in configs["argocd-notifications-cm"].items()}
    (trigger,) = notifications["trigger.modelpin-healthy"]
    assert trigger["send"] == ["modelpin-healthy"]
    assert notifications["template.modelpin-healthy"]["github"]["deployment"]["requiredContexts"] == []
    assert all(str(value).startswith("$github-") for value in notifications["service.github"].values())
    annotations = only(manifests, "ApplicationSet")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["notifications.argoproj.io/subscribe.modelpin-healthy.github"] == ""
    assert "argocd.argoproj.io/compare-options" in annotations


TRUE = [
    {"type": kind, "status": "True"} for kind in ("IngressReady", "PredictorReady", "Ready", "LatestDeploymentReady")
]
REVISIONS = {
    "predictor": {
        "latestCreatedRevision": "iris-1a2b3c4d-predictor-00002",
        "latestReadyRevision": "iris-1a2b3c4d-predictor-00002",
    }
}
FAILED = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": {"message": "exit 20"}}
CASES: list[tuple[str, dict[str, Any] | None, str]] = [
    ("no status yet", None, "Progressing"),
    (
        "scaled to zero",
        {
            "conditions": [*TRUE, {"type": "Stopped", "status": "False"}],
            "components": REVISIONS,
            "modelStatus": {"transitionStatus": "InProgress", "copies": {"totalCopies": 0}},
        },
        "Healthy",
    ),
    (
        "scaled to zero, as KServe reports it: a zero is omitted",
        {
            "conditions": [*TRUE, {"type": "Stopped", "status": "False"}],
            "components": REVISIONS,
            "modelStatus": {"transitionStatus": "InProgress", "copies": {"failedCopies": 0}},
        },
        "Healthy",
    ),
    (
        "scaled to zero, after a restart of KServe",
        {"conditions": TRUE, "components": REVISIONS, "modelStatus": {"transitionStatus": "InProgress"}},
        "Healthy",
    ),
    (
        "an observedGeneration that is the Knative Service's says nothing",
        {
            "observedGeneration": 1,
            "conditions": TRUE,
            "components": REVISIONS,
            "modelStatus": {"transitionStatus": "UpToDate", "copies": {"totalCopies": 1}},
        },
        "Healthy",
    ),
    (
        "a candidate whose download fails",
        {
            "conditions": [
                {"type": "PredictorReady", "status": "False", "message": "RevisionFailed"},
                {"type": "Ready", "status": "False"},
            ],
            "components": {"predictor": {"latestCreatedRevision": "iris-1a2b3c4d-predictor-00001"}},
            "modelStatus": {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": {"message": "no such key"}},
        },
        "Degraded",
    ),
    (
        "a release whose last cold start crashed",
        {
            "conditions": [*TRUE[:1], {"type": "Ready", "status": "False", "message": "exit 20"}],
            "components": REVISIONS,
            "modelStatus": FAILED,
        },
        "Degraded",
    ),
    (
        "serving",
        {
            "conditions": TRUE,
            "components": REVISIONS,
            "modelStatus": {"transitionStatus": "UpToDate", "copies": {"totalCopies": 2}},
        },
        "Healthy",
    ),
    (
        "a pod is loading the model",
        {
            "conditions": TRUE,
            "components": REVISIONS,
            "modelStatus": {"transitionStatus": "InProgress", "copies": {"totalCopies": 1}},
        },
        "Progressing",
    ),
    (
        "the new revision is not ready, the old one serves",
        {
            "conditions": TRUE,
            "components": {"predictor": {"latestCreatedRevision": "b", "latestReadyRevision": "a"}},
            "modelStatus": {"transitionStatus": "InProgress", "copies": {"totalCopies": 0}},
        },
        "Progressing",
    ),
    (
        "not ready",
        {"conditions": [*TRUE[:2], {"type": "Ready", "status": "False", "message": "no pod"}], "components": REVISIONS},
        "Progressing",
    ),
    (
        "the predictor refused the model",
        {"conditions": [{"type": "Ready", "status": "False"}], "components": REVISIONS, "modelStatus": FAILED},
        "Degraded",
    ),
    ("stopped by a person", {"conditions": [{"type": "Stopped", "status": "True"}]}, "Suspended"),
]


@pytest.mark.parametrize(("status", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_health(tmp_path: Path, status: dict[str, Any] | None, expected: str) -> None:
    """A model at rest is healthy, one that loads progressing, one that was refused degraded; run by Lua."""
    lua = shutil.which("lua5.1") or shutil.which("lua") or shutil.which("luajit")
    if lua is None:
        pytest.skip("runs gitops/argocd/health.lua as Argo CD does: apt-get install lua5.1")
    (tmp_path / "run.lua").write_text(
        f"obj = {table({'status': status} if status else {})}\nlocal health = dofile({json.dumps(str(HEALTH))})\n"
        "assert(type(health.message) == 'string')\nprint(health.status)\n"
    )
    done = subprocess.run([lua, tmp_path / "run.lua"], capture_output=True, text=True)
    assert (done.stderr, done.stdout.strip()) == ("", expected)


def table(value: Any) -> str:
    """A Lua literal."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{json.dumps(key)}] = {table(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(table, value)) + "}"
    return json.dumps(value)
