"""release.yml, rollback.yml and the proposal: what is typed reaches the command as text, and what it may do."""

import subprocess
from pathlib import Path

import pytest

from tests.workflows.files import ROOT, workflow


def test_a_release_is_protected_and_its_inputs_are_text(tmp_path: Path) -> None:
    """Each command has its choice, the environment its protection; whatever is typed reaches the command as text."""
    work = workflow("release.yml")
    inputs = work[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
    job = work["jobs"]["release"]
    assert job["environment"] == "${{ inputs.command == 'unquarantine' && 'production' || inputs.environment }}"
    commands = "deploy advance promote prove rollback retire quarantine unquarantine migrate".split()
    assert inputs["command"]["options"] == commands
    assert inputs["command"]["type"] == inputs["environment"]["type"] == "choice"
    env = job["steps"][-1]["env"]
    assert {name for name in inputs if any(f"inputs.{name} " in str(value) for value in env.values())} == set(inputs)
    typed = f"'; touch {tmp_path}/a; $(touch {tmp_path}/b) `touch {tmp_path}/c` \" --dry-run\n--x"
    entry = {name: typed for name in env if not name.startswith(("GIT", "DRY", "COMMAND"))}
    for command in commands:
        show = {"PATH": "/usr/bin:/bin", "PYTHON": "printf '%s\\0'", "COMMAND": command, **entry}
        done = subprocess.run(["make", "--silent", "release"], cwd=ROOT, env=show, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        words = done.stdout.split("\0")
        assert words[words.index("release") + 1] == command
        assert f"--reason={typed}" in words
        assert (typed if "quarantine" in command else f"--env={typed}") in words
        assert (f"--wait={typed}" in words) is not ("quarantine" in command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "canary", "words"),
    [
        ("release", "", ["--canary"]),
        ("release", "5", ["--canary=5"]),
        ("release", "100", ["--canary=100"]),
        ("deploy", "", []),
    ],
)
def test_a_dispatched_deploy_is_a_canary_unless_it_says_100(target: str, canary: str, words: list[str]) -> None:
    """Without a percentage release.yml leaves it to environment.yaml; `make deploy` does as it is asked."""
    show = {
        "PATH": "/usr/bin:/bin",
        "PYTHON": "printf '%s\\0'",
        "COMMAND": "deploy",
        "ENV": "production",
        "CANARY": canary,
    }
    done = subprocess.run(["make", "--silent", target], cwd=ROOT, env=show, capture_output=True, text=True, check=True)
    assert [word for word in done.stdout.split("\0") if word.startswith("--canary")] == words


def test_an_emergency_only_moves_the_traffic() -> None:
    """rollback.yml takes no command and no environment: production, by the rollback that does nothing else."""
    work = workflow("rollback.yml")
    job = work["jobs"]["rollback"]
    assert job["environment"] == "production-rollback"
    assert set(work[True]["workflow_dispatch"]["inputs"]) == {"to", "model", "wait", "reason", "evidence"}
    assert job["steps"][-1]["run"] == "make rollback ENV=production TRAFFIC_ONLY=true"
    show = {"PATH": "/usr/bin:/bin", "PYTHON": "printf '%s\\0'", "TO": "iris-1a2b3c4d"}
    command = ["make", "--silent", *job["steps"][-1]["run"].split()[1:]]
    done = subprocess.run(command, cwd=ROOT, env=show, capture_output=True, text=True, check=True)
    assert {"rollback", "--env=production", "--to=iris-1a2b3c4d", "--traffic-only"} <= set(done.stdout.split("\0"))


@pytest.mark.parametrize(("branch", "reference", "called"), [("b", False, 2), ("b", True, 1), ("", False, 0)])
def test_a_proposal_opens_one_pull_request(tmp_path: Path, branch: str, reference: bool, called: int) -> None:
    """A branch that has no pull request gets one, to production's branch; nothing to propose opens nothing."""
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\ntest "$2" != view || {str(reference).lower()}\n')
    python = tmp_path / "python"
    settings = "gitops-branch=main\\nproduction-branch=live\\nproduction-remote=https://github.com/acme/live\\n"
    python.write_text(f"#!/bin/sh\ncase \"$*\" in *settings) printf '{settings}';; *) printf '{branch}';; esac\n")
    for program in (gh, python):
        program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHON": str(python)}
    done = subprocess.run(["make", "--silent", "propose", "ENV=production", "FROM=staging"], cwd=ROOT, env=env)
    assert done.returncode == 0
    lines = (tmp_path / "called").read_text().splitlines() if called else []
    assert len(lines) == called
    assert not called or lines[-1].startswith(
        "pr view b --repo=https://github.com/acme/live"
        if reference
        else "pr create --head b --base live --repo=https://github.com/acme/live"
    )
