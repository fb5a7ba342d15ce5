"""train.yml: what starts it, in which order its jobs run, and what each may."""

import re

import pytest

from local.filters import Filters
from release.aws import trust
from release.protection import protection_file
from release.signing import variables
from tests.workflows.files import ROOT, jobs, steps, workflow


def test_a_job_has_one_role_and_the_environment_that_its_role_trusts() -> None:
    """Whoever asks AWS names one role; but for training, whose token is a branch's, in an environment it trusts.

    So user code, which runs in the job that trains, has no token that another role takes.
    """
    roles_of = {}
    for file, name, job in jobs():
        roles = re.findall(r"outputs\.(\w+)-role-arn", str(job.get("steps", [])))
        if (file, name) == (
            "pages.yml",
            "pages",
        ):  # Pages takes the token, by which it knows the workflow; no role trusts its environment
            assert (roles, job["environment"]) == ([], "github-pages")
            continue
        assert len(roles) == ("id-token" in job["permissions"] and "steps" in job), f"{file} {name}"
        for role in roles:
            roles_of[file, name] = role, job.get("environment")
    readers = [("train.yml", "train"), ("pull-request.yml", "train"), ("pages.yml", "site")]
    assert [roles_of.pop(reader) for reader in readers] == [("train", None)] * 3
    expressions = {"${{ inputs.command == 'unquarantine' && 'production' || inputs.environment }}": "production"}
    for (file, name), (role, environment) in roles_of.items():
        assert expressions.get(environment, environment) in trust.ENVIRONMENTS[role], f"{file} {name}"
    inputs = workflow("release.yml")[True]["workflow_dispatch"]["inputs"]
    assert set(inputs["environment"]["options"]) <= set(trust.ENVIRONMENTS["release"])


def test_user_code_has_nothing_to_steal() -> None:
    """No secret and no token in the steps that run it, nor in the environment of their job."""
    train = workflow("train.yml")["jobs"]["train"]
    (step,) = [step for step in train["steps"] if step.get("name") == "Train"]
    assert step["env"] == {"RECORDS_FROM": "kept"}
    assert train["env"] == {"ROLE": "pipeline"}
    assert "secrets." not in str(train)


def test_a_training_is_never_cut_off() -> None:
    """Trainings queue up; a newer push does not cancel one that may be publishing."""
    assert workflow("train.yml")["concurrency"] == {"group": "train", "cancel-in-progress": False}


def test_the_report_is_kept_when_the_gate_refuses() -> None:
    """The upload runs whatever happened before it, and comes last; before it the page, where there is one."""
    last = workflow("train.yml")["jobs"]["train"]["steps"][-1]
    assert last["uses"].startswith("actions/upload-artifact@")
    assert last["if"] == "always()"
    assert last["with"]["path"].split() == ["reports", "build/verdict.json"]
    page = workflow("train.yml")["jobs"]["train"]["steps"][-2]
    assert page["if"].startswith("${{ always() && hashFiles('reports/report.md')")
    assert page["run"] == 'make --silent report >> "$GITHUB_STEP_SUMMARY"'


def test_the_loop_runs_in_its_order() -> None:
    """pull → champion → repro → gate → publish → deploy, with the image of this very push, named by digest.

    What comes after the deploy cannot undo it: the mirror may fail. Each job begins when the one before it is done, so
    that its credentials are new, however long the training took.
    """
    work = workflow("train.yml")["jobs"]
    lines = {
        name: [
            step["run"].removeprefix("make ").removeprefix("--silent ").split()[0]
            for step in job["steps"]
            if "run" in step
        ]
        for name, job in work.items()
        if "steps" in job
    }
    assert lines["train"] == ["venv", "settings", "pull", "champion", "repro", "report"]
    assert lines["publish"] == ["venv", "settings", "track", "gate", "publish"]
    assert lines["staging"] == ["venv", "settings", "deploy", "mirror"]
    assert [work[name]["needs"] for name in ("train", "publish", "staging")] == ["image", "train", ["image", "publish"]]
    handed = {step["name"]: step["with"] for _, step in steps() if "load-artifact@" in step.get("uses", "")}
    assert handed["Hand over"]["name"] == handed["Take over"]["name"] == "training"
    files = {"build/artifact", "build/verdict.json", "build/inputs.json", "dvc.lock"}
    assert files <= set(handed["Hand over"]["path"].split())
    named = {step["name"]: step for step in work["staging"]["steps"] if "name" in step}
    assert named["Mirror"]["continue-on-error"] is True
    env = named["Deploy to staging"]["env"]
    assert (env["IMAGE"], env["URI"]) == ("${{ needs.image.outputs.image }}", "${{ needs.publish.outputs.uri }}")
    (propose,) = [step for step in work["propose"]["steps"] if step.get("name") == "Propose production"]
    (track,) = [step for step in work["publish"]["steps"] if step.get("name") == "Track"]
    triggers = {variables["RETRAIN_TRIGGER"] for variables in (env, propose["env"], track["env"])}
    assert triggers == {"${{ inputs.trigger }}"}
    image = workflow("image.yml")["jobs"]["image"]["outputs"]["image"]
    assert image.startswith("${{ steps.settings.outputs.registry }}@${{")
    assert "digest" in image


def test_a_variable_that_starts_a_workflow_is_declared() -> None:
    """What a workflow asks to be `true` stands in protection.yaml, so that `make github` shows and sets it."""
    names = {
        name
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for name in re.findall(r"vars\.(\w+) == 'true'", path.read_text())
    }
    declared = protection_file.read(ROOT).variables
    assert {"CANARY_ANALYSIS", "RETRAIN", "PROPOSE_PRODUCTION"} <= names
    assert names | {variables.WAY} == declared.keys()  # how publish signs is no switch of a workflow


# What the bot's commit, and what people's, change: (path, whether it trains).
CHANGES = [
    ("gitops/models/iris/staging/record.yaml", False),
    ("gitops/models/iris/staging/release.yaml", False),
    ("gitops/base/serving-runtime.yaml", False),
    ("gitops/settings/settings.yaml", False),
    ("docs/to-your-cluster.md", False),
    ("README.md", False),
    ("tests/artifact/test_load.py", False),
    ("release/commands/deploy.py", False),
    ("requirements/dev.txt", False),
    ("data/README.md", False),
    ("params.yaml", True),
    ("dvc.yaml", True),
    ("data/iris.csv.dvc", True),
    ("data/2026/november.parquet.dvc", True),
    (".dvc/config", True),
    ("artifact/golden.py", True),
    ("features/calendar.py", True),
    ("pipeline/training/train.py", True),
    ("pipeline/report/report.py", False),
    ("predictor/model.py", True),
    ("requirements/serving.txt", True),
    ("requirements/pipeline.txt", True),
    ("requirements/extras/chosen.txt", True),
    ("requirements/extras/lightgbm.txt", False),
    ("Dockerfile", True),
    (".dockerignore", True),
]


@pytest.mark.parametrize(("path", "trains"), CHANGES)
def test_what_starts_a_training(path: str, trains: bool) -> None:
    """A push to main trains when it changes what a model or its image is made from, and at no other change."""
    assert push_filters().decide("refs/heads/main", [path])[0] is trains


def test_the_bots_commit_starts_nothing() -> None:
    """Its diff is record.yaml and release.yaml of one environment; a filter that were wider would train for ever."""
    diff = [f"gitops/models/iris/staging/{name}.yaml" for name in ("record", "release")]
    assert push_filters().decide("refs/heads/main", diff)[0] is False
    widened = workflow("train.yml")[True]["push"]
    widened["paths"].append("gitops/**")
    assert Filters.parse(widened).decide("refs/heads/main", diff)[0] is True


def test_other_branches_train_nothing() -> None:
    """Only main: the role in AWS trusts no other branch either."""
    assert push_filters().decide("refs/heads/feature", ["params.yaml"])[0] is False


def push_filters() -> Filters:
    return Filters.parse(workflow("train.yml")[True]["push"])  # YAML 1.1 reads `on` as true


def test_a_pull_request_trains_for_the_same_files() -> None:
    """pull-request.yml starts where train.yml does, and at gitops/; `make changed` knows the same files."""
    own = set(workflow("pull-request.yml")[True]["pull_request"]["paths"])
    pushed = set(workflow("train.yml")[True]["push"]["paths"])
    rooms = {path for path in pushed if path.startswith("pipeline/")}
    assert own == (pushed - rooms) | {"pipeline/**", "gitops/**"}
    (listed,) = re.findall(r"^MODEL_INPUTS = ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.M)
    named = {path.removesuffix("/**").replace("**.dvc", "*.dvc") for path in own} - {"gitops"}
    assert set(listed.replace("\\\n", " ").split()) == named


def test_the_code_of_a_pull_request_writes_nothing() -> None:
    """It runs with a token that reads; the job that comments has the code of the branch that it is to be merged into.

    A fork gets no role: GitHub would give it no token, and the step is not asked for one.
    """
    work = workflow("pull-request.yml")["jobs"]
    assert work["train"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in str(work)
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert work["train"]["env"]["OWN"] == f"${{{{ {own} }}}}"
    (aws,) = [step for step in work["train"]["steps"] if step.get("uses", "").startswith("aws-actions/")]
    assert aws["if"].startswith("env.OWN == 'true'")
    assert work["comment"]["if"] == own
    checkout = work["comment"]["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"
