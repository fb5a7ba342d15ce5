"""What holds for every workflow: schemas, pins, permissions, one command a step."""

import re
import subprocess

import yaml

from tests.workflows.files import FILES, ROOT, complaints, jobs, steps, workflow


def test_github_would_accept_the_files() -> None:
    """Workflows and dependabot.yml match GitHub's own schemas."""
    schema = ("check-jsonschema", "--builtin-schema")
    assert complaints(*schema, "vendor.github-workflows", *map(str, FILES)) == ""
    assert complaints(*schema, "vendor.dependabot", ".github/dependabot.yml") == ""


def test_zizmor_finds_nothing() -> None:
    """No injection, no leaked credentials, no unpinned action, no excessive permission."""
    assert complaints("zizmor", "--offline", "--no-progress", "--persona", "pedantic", ".github") == ""


def test_nothing_is_granted_that_a_job_does_not_ask_for() -> None:
    """`permissions: {}` on top; each job names its own, and each grant has its reason on the line."""
    for path in FILES:
        assert workflow(path.name)["permissions"] == {}, path.name
        for line in re.findall(
            r"^ +(?:actions|attestations|contents|id-token|issues|packages|pull-requests): .*$", path.read_text(), re.M
        ):
            assert re.search(r": (read|write)  # \S", line), f"{path.name}: {line.strip()} has no reason"
    for file, name, job in jobs():
        assert "permissions" in job, f"{file} {name}"
        assert "write-all" not in str(job["permissions"])
    granted = {(file, name): job["permissions"] for file, name, job in jobs()}
    read = {"contents": "read", "id-token": "write"}
    assert granted["train.yml", "train"] == granted["train.yml", "publish"] == read
    attests = [key for key, value in granted.items() if "attestations" in value]
    assert attests == [("image.yml", "image"), ("train.yml", "image")]
    assert {tuple(granted[key].items()) for key in attests} == {(*read.items(), ("attestations", "write"))}
    releases = [
        ("release.yml", "release"),
        ("rollback.yml", "rollback"),
        ("canary.yml", "step"),
        ("retrain.yml", "decide"),
    ]
    writers = {*releases, ("train.yml", "staging"), ("train.yml", "propose")}
    assert {key for key, value in granted.items() if value.get("contents") == "write"} == writers
    asking = [key for key, value in granted.items() if "pull-requests" in value]
    assert asking == [("pull-request.yml", "comment"), ("train.yml", "propose")]


def test_actions_are_pinned() -> None:
    """Every action by its full commit, with the version that it stands for; one commit and one version an action."""
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for line in re.findall(r"uses: .*$", path.read_text(), re.M):
            if line.startswith("uses: ./.github/workflows/image.yml "):
                continue
            pin = re.fullmatch(r"uses: ([\w-]+(?:/[\w-]+)+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
            assert pin, f"{path.name}: {line}"
            pins.setdefault(pin[1], set()).add(pin[2])
    assert {action: versions for action, versions in pins.items() if len(versions) > 1} == {}


def test_scripts_take_values_from_the_environment() -> None:
    """No `${{ }}` in a script: GitHub pastes it in as text, and text becomes shell."""
    assert [location for location, step in steps() if "${{" in step.get("run", "")] == []


def test_each_step_is_a_command_that_a_person_can_run() -> None:
    """One `make` line a step, of a target that exists; the check for all-green jobs is the only other command."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    for location, step in steps():
        command = step.get("run", "")
        if command.startswith('test "$RESULTS"'):
            continue
        for target in re.findall(r"^make (?:--silent )?([a-z0-9-]+)", command):
            assert target in targets, f"{location}: make {target}"
        assert "\n" not in command
        assert command == "" or command.startswith("make "), f"{location}: {command}"


def test_no_checkout_leaves_a_token_behind() -> None:
    """Only the steps that ask or push to Git get the token, never the one that trains; it is not left on the disk."""
    checkouts = [(location, step) for location, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [location for location, step in checkouts if step["with"]["persist-credentials"] is not False] == []
    inputs = {step["name"] for _, step in steps() if "GITHUB_TOKEN" in step.get("env", {})}
    assert inputs == {
        "Champion",
        "Deploy to staging",
        "Mirror",
        "Pages",
        "Propose production",
        "Release",
        "Retrain",
        "Roll back",
        "Shadow",
        "Step",
    }
    for title, step in steps():
        if "GITHUB_TOKEN" in step.get("env", {}) and step["name"] not in ("Champion", "Pages"):
            assert step["env"]["GITHUB_TOKEN"] == "${{ steps.app.outputs.token || github.token }}", title


def test_nothing_waits_behind_a_run_that_waits_for_its_reviewer() -> None:
    """A release and a rollback each have a concurrency group of their own; only trainings queue up."""
    groups = {path.name: workflow(path.name)["concurrency"]["group"] for path in FILES}
    assert [name for name, group in groups.items() if "github.run_id" not in group] == [
        "ci.yml",
        "pages.yml",
        "pull-request.yml",
        "train.yml",
    ]
    assert len(set(groups.values())) == len(groups)


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


def test_settings_reach_a_workflow_before_anything_is_installed() -> None:
    """`make settings` prints what release reads from settings.yaml, as KEY=VALUE lines for $GITHUB_OUTPUT."""
    done = subprocess.run(["make", "--silent", "settings"], cwd=ROOT, capture_output=True, text=True, check=True)
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert printed == yaml.safe_load((ROOT / "gitops/settings/settings.yaml").read_text())["data"]
