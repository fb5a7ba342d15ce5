"""Commit messages: one subject, and trailers that git reads back as they were meant."""

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from release import commit_message

LINE = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=50)
@given(subject=LINE, value=LINE)
def test_no_value_becomes_structure(subject: str, value: str) -> None:
    """Whatever text a subject or value is: one subject line, and the trailers that were given, each with one value."""
    text = commit_message.render(f"deploy {subject}", {"Gate-Result": value, "Model-Digest": "x"})
    read = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text, capture_output=True, text=True, check=True
    ).stdout
    lines = read.split("\n")[:-1]
    assert [line.partition(":")[0] for line in lines] == ["Gate-Result", "Model-Digest"]
    assert text.split("\n")[1] == ""
    if value.isprintable() and value.strip():
        assert lines[0] == f"Gate-Result: {value.strip()}"
