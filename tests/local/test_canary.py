"""The canary on one machine, as people run it."""

import contextlib
from pathlib import Path

import pytest

from local import canary, git
from local.narrator import Narrator
from local.splitter import READY, STARTING
from local.state import State


@pytest.mark.story
def test_a_canary_is_promoted_and_another_taken_back(tmp_path: Path) -> None:
    """Each step is one commit, the load follows its percentage, and the model taken back gets nothing any more.

    The shares at each step are held by the story itself.
    """
    with contextlib.closing(Narrator(tmp_path / "log")) as tell:
        demo = canary.show(State(tmp_path), tell)
    made = git.run(demo.state.origin, "log", "--reverse", "--format=%H %s", f"{demo.begun}..{git.BRANCH}").splitlines()
    in_production = [line for line in made if "staging" not in line]
    assert len(in_production) == 7
    *_, rollback, settle = (line.split()[0] for line in in_production)
    counts = demo.production.counts()
    taken_back = next(digest for digest, name in demo.names.items() if name == "C")
    asked = {
        commit: [counts[commit, phase, taken_back] for phase in (STARTING, READY)] for commit in (rollback, settle)
    }
    assert asked == {rollback: [0, 0], settle: [0, 0]}
    assert all(
        sum(count for (one, _, _), count in counts.items() if one == commit) > 0 for commit in (rollback, settle)
    )
