import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.filters import Filters

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent


def workflow(name: str) -> dict[Any, Any]:
    document = yaml.safe_load((FOLDER / name).read_text())
    assert isinstance(document, dict)
    return document


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path.name, name, job) for path in FILES for name, job in workflow(path.name)["jobs"].items()]


def steps() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{file} {name}", step) for file, name, job in jobs() for step in job.get("steps", [])]


def run(*command: str) -> str:
    tool = shutil.which(command[0], path=str(BIN)) or command[0]
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_github_would_accept_the_files() -> None:
    """Workflows and dependabot.yml match GitHub's own schemas."""
    schema = ("check-jsonschema", "--builtin-schema")
    assert run(*schema, "vendor.github-workflows", *map(str, FILES)) == ""
    assert run(*schema, "vendor.dependabot", ".github/dependabot.yml") == ""


def test_zizmor_finds_nothing() -> None:
    """No injection, no leaked credentials, no unpinned action, no excessive permission."""
    assert run("zizmor", "--offline", "--no-progress", ".github") == ""


def test_nothing_is_granted_that_a_job_does_not_ask_for() -> None:
    """`permissions: {}` on top; each job names its own, and each grant has its reason on the line."""
    for path in FILES:
        assert workflow(path.name)["permissions"] == {}, path.name
        for line in re.findall(r"^ +(?:contents|id-token|packages|pull-requests): .*$", path.read_text(), re.M):
            assert re.search(r": (read|write)  # \S", line), f"{path.name}: {line.strip()} has no reason"
    for file, name, job in jobs():
        assert "permissions" in job, f"{file} {name}"
        assert "write-all" not in str(job["permissions"])
    granted = {(file, name): job["permissions"] for file, name, job in jobs()}
    assert granted["train.yml", "train"] == {"contents": "write", "id-token": "write"}
    assert granted["train.yml", "image"] == {"contents": "read", "id-token": "write"}
    writers = {("release.yml", "release"), ("train.yml", "train"), ("train.yml", "propose")}
    assert {key for key, value in granted.items() if value.get("contents") == "write"} == writers
    assert [key for key, value in granted.items() if "pull-requests" in value] == [("train.yml", "propose")]


def test_actions_are_pinned() -> None:
    """Every action by its full commit, with the version that it stands for; one commit and one version an action."""
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for line in re.findall(r"uses: .*$", path.read_text(), re.M):
            if line.startswith("uses: ./.github/workflows/image.yml "):
                continue
            pin = re.fullmatch(r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
            assert pin, f"{path.name}: {line}"
            pins.setdefault(pin[1], set()).add(pin[2])
    assert {action: versions for action, versions in pins.items() if len(versions) > 1} == {}


def test_scripts_take_values_from_the_environment() -> None:
    """No `${{ }}` in a script: GitHub pastes it in as text, and text becomes shell."""
    assert [where for where, step in steps() if "${{" in step.get("run", "")] == []


def test_each_step_is_a_command_that_a_person_can_run() -> None:
    """One `make` line a step, of a target that exists; the check for all-green jobs is the only other command."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for where, step in steps():
        command = step.get("run", "")
        if command.startswith('test "$RESULTS"'):
            continue
        for target in re.findall(r"^make (?:--silent )?([a-z-]+)", command):
            assert target in targets, f"{where}: make {target}"
        assert "\n" not in command
        assert command == "" or command.startswith("make "), f"{where}: {command}"


def test_no_checkout_leaves_a_token_behind() -> None:
    """Only the steps that ask or push to Git get the token, never the one that trains; it is not left on the disk."""
    checkouts = [(where, step) for where, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [where for where, step in checkouts if step["with"]["persist-credentials"] is not False] == []
    given = {step["name"] for _, step in steps() if "GITHUB_TOKEN" in step.get("env", {})}
    assert given == {"Champion", "Deploy to staging", "Mirror", "Propose production", "Release"}


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

    What comes after the deploy cannot undo it: the mirror may fail.
    """
    train = workflow("train.yml")["jobs"]["train"]
    lines = [step["run"].split()[1] for step in train["steps"] if "run" in step]
    assert lines == ["venv", "--silent", "pull", "champion", "repro", "gate", "publish", "deploy", "mirror", "--silent"]
    assert train["needs"] == "image"
    steps = {step["name"]: step for step in train["steps"] if "name" in step}
    assert steps["Mirror"]["continue-on-error"] is True
    assert steps["Train"]["env"]["RECORDS_FROM"] == "kept"
    assert steps["Deploy to staging"]["env"]["IMAGE"] == "${{ needs.image.outputs.image }}"
    image = workflow("image.yml")["jobs"]["image"]["outputs"]["image"]
    assert image.startswith("${{ steps.settings.outputs.registry }}@${{")
    assert "digest" in image


def test_all_green_waits_for_every_job() -> None:
    """A job added to ci.yml and forgotten in all-green's list fails here; so does one that is skipped."""
    work = workflow("ci.yml")["jobs"]
    last = work["all-green"]
    assert sorted(last["needs"]) == sorted(set(work) - {"all-green"})
    assert last["if"] == "always()"
    step = last["steps"][0]
    for results, code in ((["success"] * len(last["needs"]), 0), (["skipped"] + ["success"] * 3, 1)):
        done = subprocess.run(["sh", "-c", step["run"]], env={"RESULTS": " ".join(results)})
        assert done.returncode == code


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


def test_settings_reach_a_workflow_before_anything_is_installed() -> None:
    """`make settings` prints what release reads from settings.yaml, as KEY=VALUE lines for $GITHUB_OUTPUT."""
    done = subprocess.run(["make", "--silent", "settings"], cwd=ROOT, capture_output=True, text=True, check=True)
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert printed == yaml.safe_load((ROOT / "gitops/settings/settings.yaml").read_text())["data"]


def test_an_image_is_named_after_what_goes_into_it(tmp_path: Path) -> None:
    """`make image-find`: the same tag for a commit that changes docs, another for one that changes the predictor."""
    files = [
        "Dockerfile",
        ".dockerignore",
        "requirements/serving.txt",
        "predictor/x.py",
        "artifact/x.py",
        "features/x.py",
    ]
    shutil.copy(ROOT / "Makefile", tmp_path)

    def tag(path: str, text: str) -> str:
        target = tmp_path / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        for command in (["git", "init", "-q"], ["git", "add", "."], [*git, "commit", "-q", "-m", "x"]):
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        # Without a registry nothing is found, and the next step builds.
        done = subprocess.run(
            ["make", "--silent", "image-find", "REGISTRY=127.0.0.1:1/none"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = re.fullmatch(r"tag=(inputs-[0-9a-f]+)\ndigest=\n", done.stdout)
        assert found, done.stdout
        return found[1]

    for path in files:
        first = tag(path, "1\n")
    assert tag("README.md", "docs\n") == first
    assert {tag(path, "2\n") for path in files}.isdisjoint({first})


def test_a_release_is_protected_and_its_inputs_are_text(tmp_path: Path) -> None:
    """Each command has its choice, the environment its protection; whatever is typed reaches the command as text."""
    work = workflow("release.yml")
    inputs = work[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
    job = work["jobs"]["release"]
    assert job["environment"] == "${{ inputs.environment }}"
    commands = "deploy advance promote prove rollback retire quarantine unquarantine migrate".split()
    assert inputs["command"]["options"] == commands
    assert inputs["command"]["type"] == inputs["environment"]["type"] == "choice"
    env = job["steps"][-1]["env"]
    assert {name for name in inputs if any(f"inputs.{name} " in str(value) for value in env.values())} == set(inputs)
    typed = f"'; touch {tmp_path}/a; $(touch {tmp_path}/b) `touch {tmp_path}/c` \" --dry-run\n--x"
    given = {name: typed for name in env if not name.startswith(("GIT", "DRY", "COMMAND"))}
    for command in commands:
        show = {"PATH": "/usr/bin:/bin", "PYTHON": "printf '%s\\0'", "COMMAND": command, **given}
        done = subprocess.run(["make", "--silent", "release"], cwd=ROOT, env=show, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        words = done.stdout.split("\0")
        assert words[words.index("release") + 1] == command
        assert f"--reason={typed}" in words
        assert (typed if "quarantine" in command else f"--env={typed}") in words
        assert (f"--wait={typed}" in words) is not ("quarantine" in command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("branch", "known", "called"), [("b", False, 2), ("b", True, 1), ("", False, 0)])
def test_a_proposal_opens_one_pull_request(tmp_path: Path, branch: str, known: bool, called: int) -> None:
    """A branch that has no pull request gets one; nothing to propose opens nothing."""
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\ntest "$2" != view || {str(known).lower()}\n')
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '{branch}'\n")
    for program in (gh, python):
        program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHON": str(python)}
    done = subprocess.run(["make", "--silent", "propose", "ENV=production", "FROM=staging"], cwd=ROOT, env=env)
    assert done.returncode == 0
    lines = (tmp_path / "called").read_text().splitlines() if called else []
    assert len(lines) == called
    assert not called or lines[-1].startswith("pr view b" if known else "pr create --head b")
