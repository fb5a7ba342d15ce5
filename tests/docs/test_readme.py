"""The README, CONTRIBUTING and docs/requests.md against the tree they speak of."""

import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from artifact import errors as failures
from predictor import errors as answers

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
REQUESTS = (ROOT / "docs/requests.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def code(text: str) -> list[str]:
    """Words between backticks, in running text."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_make_target_exists(text: str) -> None:
    """A `make …` that a reader may type is a target."""
    assert (
        set(re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join([*code(text), *re.findall(r"```sh.*?```", text, re.S)])))
        <= TARGETS
    )


@pytest.mark.parametrize("text", [README, CONTRIBUTING, REQUESTS], ids=["README", "CONTRIBUTING", "requests"])
def test_every_path_exists(text: str) -> None:
    """A file or folder of this repository that the page names is there."""
    named = [word.rstrip("/") for word in code(text) if re.fullmatch(r"[\w.]+(/[\w.-]+)*/?", word) and "/" in word]
    named += re.findall(r"\]\(([\w./-]+)\)", text)
    exceptions = ("gitops/models/houses", ".venvs", "build/artifact")
    assert [path for path in named if path not in exceptions and not (ROOT / path).exists()] == []


def test_every_module_of_the_readme_runs() -> None:
    """A `python -m …` of the README has the options that the README gives it."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S)).replace("\\\n", " ")
    commands = [shlex.split(line) for line in blocks.splitlines() if line.startswith("python -m")]
    assert commands
    for command in commands:
        done = subprocess.run(
            [sys.executable, *takewhile(lambda word: not word.startswith("--"), command[1:]), "--help"],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert done.returncode == 0
        for word in command:
            assert not word.startswith("--") or word in done.stdout


def test_the_exit_codes_are_those_of_the_code() -> None:
    """The table of exit codes has every code that a command can end with, and no other."""
    table = README[README.index("## Exit codes") :]
    names = {int(number) for number in re.findall(r"\| (\d+) \|", table)}
    # The demo's own failure, 1, is of no command of the loop.
    kinds = [kind for kind in failures.ModelpinError.__subclasses__() if kind.__module__ == failures.__name__]
    assert names == {0, *(kind.exit_code for kind in kinds)}


def test_the_statuses_are_those_of_the_code() -> None:
    """The table of HTTP and gRPC answers is the one the predictor obeys."""
    rows = {int(http): grpc for http, grpc in re.findall(r"^\| (\d{3}) \| ([A-Z_]*) *\|", REQUESTS, re.M)}
    reference = dict(answers._STATUS.values()) | {500: answers.grpc_status(Exception())}
    before_a_request = {414, 501, 505}  # which corpus_raw.py asks for
    assert set(rows) == set(reference) | before_a_request
    for http, name in rows.items():
        assert name == "" or name == reference[http].name
