"""The canary on one machine, as people run it."""

import contextlib
from pathlib import Path

import pytest

from local import canary, git
from local.narrator import Narrator
from local.state import State


@pytest.mark.story
def test_a_canary_is_promoted_and_another_taken_back(tmp_path: Path) -> None:
    """Each step is one commit, the load follows the Route through a rebuild and two reverts, and nothing goes wrong.

    The shares at each step, and what the model taken back gets, are held by the story itself.
    """
    with contextlib.closing(Narrator(tmp_path / "log")) as tell:
        demo = canary.show(State(tmp_path), tell)
    folder = demo.production.folder.path
    lines = git.run(demo.state.origin, "log", "--format=%s", f"{demo.begun}..{git.BRANCH}", "--", folder).splitlines()
    assert len(lines) == 12
    assert [line for line in lines if line.startswith("Re")] == [line for line in lines if '"' in line]
    assert demo.errors == []
    assert len(demo.gone) == 1
