"""`make github`: the real gh, and a GitHub that the tests play (tests/release/github.py).

GitHub itself cannot run here: what it does with its own rules is not tested, only that it is told them.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from release import settings
from release.protection import plan, protection_file
from release.settings import Settings
from tests.release.conftest import ROOT, Repository, Run, copied
from tests.release.github import ACTIONS, REPOSITORY, GitHub

HOME = f"repos/{REPOSITORY}"
FILES = (protection_file.FILE, ".github/rulesets/branch.json")


def with_files(repository: Repository) -> Repository:
    """`repository` with the files of this tree, whose owners are a team that GitHub knows."""
    for name in FILES:
        file = repository.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((ROOT / name).read_text().replace("@example/modelpin-owners", "@acme/ml"))
    (repository.folder / settings.PATH).write_text(settings.render(Settings(github_repository=REPOSITORY)))
    return repository


@pytest.fixture
def protected(plain: Repository, github: GitHub) -> Repository:
    """A repository at GitHub, nothing applied yet."""
    return with_files(plain)


@pytest.fixture(scope="module")
def first_run(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Run, str]:
    """What GitHub holds after the first `--apply`, how that ended, and the CODEOWNERS that it wrote.

    One App had its key at GitHub before. Each request is a process of gh, so tests that begin here share one run.
    """
    folder = copied(template, tmp_path_factory.mktemp("applied"))
    repository = with_files(Repository(folder / "clone", folder / "origin.git", Settings().bucket))
    with GitHub() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.env.items():
            patch.setenv(name, value)
        server.objects[f"{HOME}/environments/staging/secrets/{plan.KEY}"] = {"name": plan.KEY}
        done = applied(repository)
        assert server.writes
    return server.objects, done, (repository.folder / protection_file.OWNERS_FILE).read_text()


@pytest.fixture
def applied_before(protected: Repository, github: GitHub, first_run: tuple[dict[str, Any], Run, str]) -> Repository:
    """The same repository after the first run, and `github` with what that left there."""
    objects, _, owners = first_run
    github.objects = copy.deepcopy(objects)
    (protected.folder / protection_file.OWNERS_FILE).write_text(owners)
    return protected


def edit(repository: Repository, before: str, after: str) -> None:
    file = repository.folder / protection_file.FILE
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def applied(repository: Repository) -> Run:
    done = repository.release("github", "--apply")
    assert done.code == 0, done.err
    return done


def test_it_shows_first_and_changes_nothing(protected: Repository, github: GitHub) -> None:
    """Without --apply each change is a line, and neither GitHub nor CODEOWNERS is touched."""
    output = protected.release("github").out
    assert "environment production: only from main, approved by @acme/ml" in output
    assert (
        "ruleset of main: deletion, non_fast_forward, pull_request, required_status_checks; 2 Apps may pass" in output
    )
    assert "nothing was changed: make github APPLY=1" in output
    assert github.writes == []
    assert not (protected.folder / protection_file.OWNERS_FILE).exists()


def test_applied_again_it_does_nothing(applied_before: Repository, github: GitHub) -> None:
    """What is there is recognised in the form in which GitHub shows it: a second run writes nothing."""
    assert f"{REPOSITORY} is as {protection_file.FILE} says" in applied(applied_before).out
    assert github.writes == []


def test_what_github_holds_afterwards(first_run: tuple[dict[str, Any], Run, str]) -> None:
    """Reviewers who do not review themselves, main alone, only the Apps past the ruleset, a token that reads."""
    objects, _, owners = first_run
    production = objects[f"{HOME}/environments/production"]
    assert production["reviewers"] == [{"type": "Team", "id": 81}]
    assert production["prevent_self_review"] is True
    assert objects[f"{HOME}/environments/production-rollback"]["reviewers"] is None
    for name in ("image", "publish", "staging", "production", "production-canary", "production-rollback"):
        path = f"{HOME}/environments/{name}/deployment-branch-policies"
        assert [value["name"] for there, value in objects.items() if there.startswith(f"{path}/")] == ["main"]
    (ruleset,) = [value for path, value in objects.items() if path.startswith(f"{HOME}/rulesets/")]
    assert ruleset["conditions"]["ref_name"]["include"] == ["refs/heads/main"]
    assert [actor["actor_id"] for actor in ruleset["bypass_actors"]] == [71, 72]
    assert str(ACTIONS) not in json.dumps(objects), "GitHub refuses its own App past a ruleset: it is never asked for"
    rules = {rule["type"]: rule.get("parameters", {}) for rule in ruleset["rules"]}
    assert rules["pull_request"]["require_code_owner_review"] is True
    assert rules["required_status_checks"]["required_status_checks"] == [{"context": "all-green"}]
    variable = f"{HOME}/environments/production-rollback/variables/{plan.CLIENT}"
    assert objects[variable]["value"] == "Iv1.production"
    assert objects[f"{HOME}/actions/permissions/workflow"]["default_workflow_permissions"] == "read"
    assert "/gitops/ @acme/ml" in owners


@pytest.mark.story
def test_a_change_in_the_file_or_by_hand_is_one_change_there(applied_before: Repository, github: GitHub) -> None:
    """An edited file, and a click at GitHub that took protection away, each lead to the requests that mend it."""
    protected = applied_before
    edit(protected, 'PROPOSE_PRODUCTION: "true"', 'PROPOSE_PRODUCTION: "false"')
    edit(protected, 'reviewers: ["@acme/ml"]', 'reviewers: ["@acme/ml", "@ada"]')
    edit(protected, "publish: {from: [main]}", "publish: {from: [main, next]}")
    (path,) = [path for path in github.objects if path.startswith(f"{HOME}/rulesets/")]
    github.objects[path]["enforcement"] = "disabled"
    applied(protected)
    assert github.writes == [
        ("POST", f"{HOME}/environments/publish/deployment-branch-policies"),
        ("PUT", f"{HOME}/environments/production"),
        ("PUT", path),
        ("PATCH", f"{HOME}/actions/variables/PROPOSE_PRODUCTION"),
    ]
    edit(protected, "publish: {from: [main, next]}", "publish: {from: [main]}")
    assert "environment publish: no more from next" in applied(protected).out


def test_a_branch_for_production_has_its_own_app(applied_before: Repository, github: GitHub) -> None:
    """Of production's own branch, here or elsewhere, only production's App passes the rules; staging's those of main.

    Production's passes those of main too, where a quarantine is entered and lifted.
    """
    elsewhere = '"acme/production@live"'
    rules = "".join(f"  {branch}: rulesets/branch.json\n" for branch in ("main", "live", elsewhere))
    edit(applied_before, "  main: rulesets/branch.json\n", rules)
    app = "app: modelpin-production, pushes: "
    edit(applied_before, f"{app}main", f"{app}[main, live, {elsewhere}]")
    applied(applied_before)
    passing = {
        (path.partition("/rulesets/")[0], value["name"]): [actor["actor_id"] for actor in value["bypass_actors"]]
        for path, value in github.objects.items()
        if "/rulesets/" in path
    }
    assert passing == {
        (HOME, "modelpin main"): [71, 72],
        (HOME, "modelpin live"): [72],
        ("repos/acme/production", "modelpin live"): [72],
    }


def test_the_keys_are_left_to_who_has_them(first_run: tuple[dict[str, Any], Run, str]) -> None:
    """An environment whose App has no key there is named, with the command that brings it; another one is not."""
    output = first_run[1].out
    assert f"gh secret set {plan.KEY} --env production " in output
    assert f"gh secret set {plan.KEY} --env staging " not in output


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("app: modelpin-staging", "app: unknown", "no App 'unknown'"),
        ('reviewers: ["@acme/ml"]', 'reviewers: ["@acme/nobody"]', "no reviewer @acme/nobody"),
        ('reviewers: ["@acme/ml"]', 'reviewers: ["acme"]', "reviewers are @login"),
        ("pushes: main}", "pushes: live}", "which is none of its branches"),
        ("image: {from: [main]}", "image: {from: [main], app: x}", "name both"),
        ("image: {from: [main]}", "image: {form: [main]}", "lacks 'from'"),
        ("rulesets/branch.json", "rulesets/none.json", "cannot be read"),
    ],
)
def test_a_mistake_changes_nothing(protected: Repository, github: GitHub, before: str, after: str, words: str) -> None:
    """What does not fit is 10, says where, and is found before the first change."""
    edit(protected, before, after)
    done = protected.release("github", "--apply")
    assert (done.code, words in done.err) == (10, True), done.err
    assert github.writes == []


def test_what_github_refuses_is_said(applied_before: Repository, github: GitHub) -> None:
    """On a plan without required reviewers the request is named, and what GitHub says; a run afterwards goes on."""
    path = f"{HOME}/environments/production"
    del github.objects[path]
    github.reviewers = False
    done = applied_before.release("github", "--apply")
    assert done.code == 10
    assert f"PUT {path}" in done.err
    assert "billing plan" in done.err
    github.reviewers = True
    applied(applied_before)
    assert github.objects[path]["reviewers"] == [{"type": "Team", "id": 81}]


def test_the_files_of_the_tree_fit_the_workflows() -> None:
    """Each environment that a role trusts is protected, production by reviewers; CODEOWNERS is as it is written."""
    from release.aws import trust

    requests = protection_file.read(ROOT)
    names = {name for listed in trust.ENVIRONMENTS.values() for name in listed}
    assert {environment.name for environment in requests.environments} == names
    assert [environment.name for environment in requests.environments if environment.reviewers] == ["production"]
    assert all(environment.branches == (Settings().github_branch,) for environment in requests.environments)
    assert Path(ROOT / protection_file.OWNERS_FILE).read_text() == requests.codeowners()
