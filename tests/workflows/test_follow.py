"""`make follow`: what retrain decided, carried out by gh, played here by a script that writes down its words."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.workflows.files import ROOT

GH = """#!/bin/sh
echo "$*" >> "$GH_WORDS"
case "$1 $2" in "issue list") echo "$GH_OPEN" ;; esac
"""


def followed(folder: Path, outcome: str, open_issue: str = "") -> list[str]:
    """The words that gh was called with."""
    words = folder / "words"
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    decision = folder / "retrain.json"
    decision.write_text(
        json.dumps({"outcome": outcome, "trigger": "drift of iris-1a2b3c4d", "why": "drift of `x`; $HOME"})
    )
    env = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "GH_WORDS": str(words), "GH_OPEN": open_issue}
    done = subprocess.run(
        ["make", "--silent", "follow", f"DECISION={decision}"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{outcome}: drift of `x`; $HOME")
    return words.read_text().splitlines() if words.exists() else []


@pytest.mark.parametrize("outcome", ["train", "issue", "nothing"])
def test_each_outcome_has_its_action(tmp_path: Path, outcome: str) -> None:
    """A training starts with its trigger, an issue is opened or refreshed, nothing calls nobody; text stays text."""
    words = followed(tmp_path, outcome)
    if outcome == "train":
        assert words == ["workflow run train.yml --ref main -f trigger=drift of iris-1a2b3c4d"]
    elif outcome == "issue":
        assert (
            words[-1] == "issue create --title New data are needed: drift of iris-1a2b3c4d --body drift of `x`; $HOME"
        )
        assert followed(tmp_path, outcome, "7")[-1] == "issue comment 7 --body drift of `x`; $HOME"
    else:
        assert words == []
