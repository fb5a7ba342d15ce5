"""Any text that a person gives a command is kept as text, in Git's files and messages, or refused: never structure."""

import dataclasses
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artifact.errors import ConfigurationError
from release import commit_message
from release.__main__ import main
from release.change import Request, trailers_of
from release.gitops import quarantine
from release.gitops.folder import Folder
from release.gitops.quarantine import Quarantined
from release.readiness import Address
from tests.release.conftest import INPUTS, Repository
from tests.release.test_record import MODEL_DIGEST, RELEASE, TEXT

ENTRY = Quarantined(MODEL_DIGEST, INPUTS, "why", "what", "2026-01-02T03:04:05Z", "who")
HOSTILE = st.one_of(TEXT, st.builds(lambda text: f"x\n\nModel-Digest: {text}\n", TEXT))


@settings(max_examples=40)
@given(reason=HOSTILE, evidence=HOSTILE, by=HOSTILE)
def test_trailers_stay_those_that_were_meant(reason: str, evidence: str, by: str) -> None:
    """No reason, evidence or name becomes a trailer: git reads back the ones that were written, each once."""
    order = Request("rollback", by, reason, evidence)
    expected = commit_message.trailers(RELEASE, None) | trailers_of(order, "default", "canary", "stable")
    read = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=commit_message.render("iris: roll back", expected),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line.partition(":")[0] for line in read.split("\n")[:-1]] == list(expected)


@given(reason=HOSTILE, evidence=HOSTILE, by=HOSTILE)
def test_quarantine_keeps_text(reason: str, evidence: str, by: str) -> None:
    """Whatever stands in an entry comes back from the file as it was, and the entry after it too."""
    entries = (dataclasses.replace(ENTRY, reason=reason, evidence=evidence, by=by), ENTRY)
    text = quarantine.render(entries)
    assert text.isascii()
    assert quarantine.parse(text, "x") == entries
    assert text.count("\n") == quarantine.render((ENTRY, ENTRY)).count("\n")


@given(text=HOSTILE)
def test_hostile_names_are_no_names(text: str) -> None:
    """No hostile text is an environment, a model, a digest or a URL."""
    for attempt in (
        lambda: Folder("iris", text + "/"),
        lambda: Folder(f"{text} ", "staging"),
        lambda: dataclasses.replace(ENTRY, model_digest=text),
        lambda: Address(f"{text}\n"),
    ):
        with pytest.raises(ConfigurationError):
            attempt()


@pytest.mark.parametrize(
    "words",
    [
        ("promote", "--env", "../production"),
        ("promote", "--env", "Production"),
        ("promote", "--env", "stag\u0456ng"),
        ("promote", "--env", "staging\n"),
        ("promote", "--env", ""),
        ("advance", "--env", "staging", "--to", "10", "--model", "$(id)"),
        ("quarantine", "iris-" + "\u0430" * 8, "--reason", "x"),
        ("quarantine", "../../x", "--reason", "x"),
        ("quarantine", f"sha256-{'0' * 64}\n", "--reason", "x"),
        ("quarantine", f"sha256-{'0' * 64}", "--reason", ""),
        ("quarantine", f"sha256-{'0' * 64}", "--reason", "x", "--model", "wine"),
        ("deploy", "--env", "production", "--from", "../staging"),
    ],
)
def test_hostile_arguments_are_refused(plain: Repository, words: tuple[str, ...]) -> None:
    """A name that cannot be one ends with 10 and nothing is pushed."""
    before = plain.history()
    done = plain.release(*words)
    assert done.code == 10, done.err
    assert plain.history() == before


@pytest.mark.parametrize("words", [("--to", "1e1"), ("--to", "ten"), ("--to", "1", "--wait", "soon")])
def test_numbers_are_numbers(words: tuple[str, ...]) -> None:
    """A percentage that is no whole number is a wrong command line: 2."""
    with pytest.raises(SystemExit, match="2"):
        main(["advance", "--env", "staging", *words])
    for seconds in ("nan", "inf", "-1"):
        with pytest.raises(SystemExit, match="2"):
            main(["retire", "--env", "staging", "--wait", seconds])
