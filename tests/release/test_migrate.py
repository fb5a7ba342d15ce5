"""From the one InferenceService of schema 1 and 2 to one a release and a Route: each step a commit that renders."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifact.digest import ArtifactUri
from release.gitops.release import Release
from tests.gitops.render import Manifest, Tree
from tests.release import old_projection
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, ROOT, Repository, git
from tests.release.old_projection import OldState
from tests.release.steps import deploy, run
from tests.release.test_deploy import recorded
from tests.release.test_record import RELEASE

Publish = Callable[[int], str]
FOLDER = "gitops/models/iris/production"
PATCH = (
    "  - target: {kind: InferenceService}\n"
    '    patch: \'[{"op": "replace", "path": "/spec/predictor/maxReplicas", "value": 9}]\'\n'
)


def state_of(name: str, first: str, second: str) -> OldState:
    """An old state in which `first` serves."""

    def release(uri: str) -> Release:
        return dataclasses.replace(
            RELEASE, digest=ArtifactUri.parse(uri).digest, uri=uri, image=IMAGE, rendered=False, gate="better"
        )

    first_release, second_release = release(first), release(second)
    return {
        "stable": OldState(first_release),
        "canary": OldState(first_release, second_release, 10),
        "rolled-back": OldState(first_release, None, 0),
        "settled": OldState(first_release),
    }[name]


def go_back_to_old(repository: Repository, state: OldState, version: int) -> None:
    """Let the remote hold what an old modelpin wrote, with a person's patch, and this modelpin's base."""
    git(repository.folder, "pull", "--quiet", "origin", "main")
    shutil.copytree(ROOT / "gitops/base", repository.folder / "gitops/base", dirs_exist_ok=True)
    shutil.copy(ROOT / "gitops/settings/kustomization.yaml", repository.folder / "gitops/settings/kustomization.yaml")
    folder = repository.folder / FOLDER
    folder.joinpath("record.yaml").write_text(old_projection.record(state, "iris", "production", version))
    folder.joinpath("release.yaml").write_text(old_projection.render(state, "iris"))
    old = (ROOT / "tests/gitops/schema_2/environment.yaml").read_text()
    folder.joinpath("kustomization.yaml").write_text(old + PATCH)
    git(repository.folder, "add", "--all")
    git(repository.folder, "commit", "--quiet", "--message", "as it was")
    git(repository.folder, "push", "--quiet", "origin", "HEAD:main")


def rendered(repository: Repository, folder: Path, *, before: bool = False) -> tuple[dict[str, Any], dict[str, int]]:
    """InferenceService → (storageUri, canaryTrafficPercent), and release → percent of the Route, at main's tip."""
    shutil.rmtree(folder, ignore_errors=True)
    git(repository.folder, "clone", "--quiet", str(repository.origin), str(folder))
    if before:
        for name in ("inference-service.yaml", "kustomization.yaml"):
            shutil.copy(ROOT / "tests/gitops/schema_2" / name, folder / "gitops/base" / name)
    manifests: list[Manifest] = Tree(folder / "gitops").render("models/iris/production")
    services: dict[str, Any] = {}
    for manifest in manifests:
        if manifest["kind"] == "InferenceService":
            predictor = manifest["spec"]["predictor"]
            assert predictor["maxReplicas"] == 9, "a person's patch reaches each of them"
            assert before or manifest["metadata"]["labels"]["model"] == "iris"
            services[manifest["metadata"]["name"]] = (
                predictor["model"]["storageUri"],
                predictor.get("canaryTrafficPercent"),
            )
    shares = {
        target["configurationName"].removesuffix("-predictor"): target["percent"]
        for manifest in manifests
        if manifest["kind"] == "Route"
        for target in manifest["spec"]["traffic"]
    }
    return services, shares


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("stable", 1),
        ("canary", 2),
        *(pytest.param(name, 2, marks=pytest.mark.story) for name in ("stable", "rolled-back", "settled")),
    ],
)
def test_each_state_is_migrated_in_three_commits(
    repository: Repository, publish: Publish, cluster: Answering, tmp_path: Path, name: str, version: int
) -> None:
    """The old InferenceService serves until the Route does, and follows it until its callers have moved."""
    first, second = publish(1), publish(2)
    state = state_of(name, first, second)
    go_back_to_old(repository, state, version)
    assert state.stable is not None
    own = state.stable.name
    fresh = tmp_path / "fresh"
    options = ("--gateway", cluster.url)

    before = rendered(repository, fresh, before=True)
    assert before == ({"iris": (second if name == "canary" else first, state.percent)}, {})
    assert champion(repository) == first
    (production, _) = json.loads(repository.release("status", "--json").out)
    assert (production["possible"], production["notes"]) == (
        ["migrate"],
        [f"its record is of schema {version}: `release migrate --env production`"],
    )
    for command in (("promote",), ("retire",), ("rollback",), ("prove",)):
        assert "release migrate --env production" in run(repository, *command, code=10).err
    history = repository.history()

    output = run(repository, "migrate").out
    assert f"step 1 of 3: an InferenceService {own} beside iris" in output
    old_percent = 0 if name in ("canary", "rolled-back") else None
    assert rendered(repository, fresh) == ({own: (first, None), "iris": (first, old_percent)}, {})
    assert champion(repository) == first
    assert "its migration to a Route is not done" in deploy(repository, second, code=10).err
    cluster.broken = {f"{own}-predictor"}
    assert "is not proved" in run(repository, "migrate", *options, code=41).err
    cluster.broken = {"latest-iris-predictor"}
    if old_percent == 0:
        assert "keeps 0 %, which is safe" in run(repository, "migrate", *options, code=41).err
    cluster.broken = set()

    run(repository, "migrate", *options)
    assert rendered(repository, fresh) == ({own: (first, None), "iris": (first, None)}, {own: 100})
    assert "migrate --finish" in run(repository, "migrate").out
    deploy(repository, second, "--canary", "10", "--wait", "30", *options)
    run(repository, "promote")
    candidate = recorded(repository, "production").stable_name
    services, shares = rendered(repository, fresh)
    assert (services["iris"], shares) == ((second, None), {candidate: 100})

    run(repository, "migrate", "--finish")
    services, shares = rendered(repository, fresh)
    assert (sorted(services), shares) == (sorted([own, candidate or ""]), {candidate: 100})
    assert run(repository, "migrate").out.startswith("nothing to do")
    assert len(repository.history()) == len(history) + 6
    git(repository.folder, "pull", "--quiet", "origin", "main")
    assert repository.release("check").code == 0


def champion(repository: Repository) -> str:
    """The URI that the gate compares with."""
    (result,) = [
        entry
        for entry in json.loads(repository.release("status", "--json").out)
        if entry["environment"] == "production"
    ]
    uri: str = result["stable"]["uri"]
    return uri


def test_a_kustomization_of_a_persons_own_is_not_guessed_at(repository: Repository, publish: Publish) -> None:
    """One that is not as adopt wrote it is left alone: 10 with the lines to write; written, the migration goes on."""
    go_back_to_old(repository, state_of("stable", publish(1), publish(2)), 2)
    file = repository.folder / FOLDER / "kustomization.yaml"
    file.write_text(file.read_text().replace("  - record.yaml\n", "  - record.yaml\n  - secret.yaml\n"))
    git(repository.folder, "commit", "--quiet", "--all", "--message", "a secret")
    git(repository.folder, "push", "--quiet", "origin", "HEAD:main")
    output = run(repository, "migrate", code=10).err
    assert "components:" in output
    assert "kustomization.yaml is not as `release adopt` wrote it" in output
    file.write_text("resources:\n  - record.yaml\n  - release.yaml\n  - secret.yaml\ncomponents:\n  - ../../../base\n")
    git(repository.folder, "commit", "--quiet", "--all", "--message", "as it said")
    git(repository.folder, "push", "--quiet", "origin", "HEAD:main")
    run(repository, "migrate")
    assert "secret.yaml" in repository.text_of(f"{FOLDER}/kustomization.yaml")
