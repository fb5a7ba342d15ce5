"""What is read from a workflow file: its events, its group, and every action it reaches."""

import pytest

from artifact.errors import ConfigurationError
from local import workflow
from local.workflow import Workflow

JOBS = "jobs: {a: {runs-on: ubuntu-latest, steps: []}}\n"
MAIN = "refs/heads/main"


@pytest.mark.parametrize(
    ("on", "starts"),
    [
        ("on: push", True),
        ("on: [pull_request, push]", True),
        ("on: {push: }", True),
        ('"on": {push: {branches: [main]}}', True),
        ("on: {push: {branches: [dev]}}", False),
        ("on: pull_request", False),
        ("on: {workflow_call: , workflow_dispatch: }", False),
    ],
)
def test_events(on: str, starts: bool) -> None:
    """Every way to write `on` is understood, YAML's reading of it as `true` included."""
    assert Workflow.parse("x.yml", f"{on}\n{JOBS}").decide(MAIN, [], "message")[0] is starts


def test_a_commit_can_ask_for_no_run() -> None:
    """[skip ci] and its like anywhere in the head commit's message start nothing, as on GitHub."""
    read = Workflow.parse("x.yml", f"on: push\n{JOBS}")
    for word in workflow.SKIP:
        assert read.decide(MAIN, [], f"title\n\nbody {word}") == (False, f"the commit message says {word}")


def test_a_workflow_that_a_variable_keeps_off_does_not_start() -> None:
    """Where each job waits for a variable to be true, the workflow says which, until one of them is."""
    read = Workflow.parse("x.yml", "on: push\njobs: {a: {if: vars.A == 'true'}, b: {if: vars.B == 'true'}}")
    assert read.switched_off({}) == ["A", "B"]
    assert read.switched_off({"A": "false", "B": "true"}) == []
    assert Workflow.parse("x.yml", f"on: push\n{JOBS}").switched_off({}) == []


@pytest.mark.parametrize(
    ("concurrency", "group"),
    [
        ("", None),
        ("concurrency: train\n", "train"),
        ('concurrency: {group: "${{ github.workflow }}-${{github.ref_name}}"}\n', "x-main"),
    ],
)
def test_concurrency_group(concurrency: str, group: str | None) -> None:
    """The group's name is the same for two pushes exactly when GitHub's is."""
    assert Workflow.parse("x.yml", f"name: x\non: push\n{concurrency}{JOBS}").concurrency(MAIN) == group


@pytest.mark.parametrize("text", ["a: [", "[]", "on: push\njobs: 3\n", f"on: 3\n{JOBS}", f"on: {{push: 3}}\n{JOBS}"])
def test_what_is_no_workflow_is_named(text: str) -> None:
    """A file that GitHub would refuse is an error that names it."""
    with pytest.raises(ConfigurationError, match=r"x\.yml"):
        Workflow.parse("x.yml", text)


def test_actions_are_followed() -> None:
    """Actions of reusable workflows and of local composite actions count, each once; a missing file is named."""
    files = {
        "a.yml": "jobs: {a: {uses: ./b.yml}, c: {steps: [{uses: o/one@1}, {uses: ./act}, {run: 'uses: no'}]}}",
        "b.yml": "jobs: {b: {steps: [{uses: o/two/sub@2}, {uses: o/one@1}]}}",
        "act/action.yaml": "runs: {using: composite, steps: [{uses: o/three@3}]}",
    }
    assert workflow.actions("a.yml", files.get) == ["o/one@1", "o/three@3", "o/two/sub@2"]
    del files["b.yml"]
    with pytest.raises(ConfigurationError, match=r"b\.yml, which is not in the commit"):
        workflow.actions("a.yml", files.get)
