"""The states and commands of an environment: docs and code say the same, and no path leads to two truths."""

import dataclasses
import itertools
import re
import shlex

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from artifact import digest
from artifact.errors import ConfigurationError
from release import command_line, state
from release.gitops import inference_service, record
from release.gitops.record import Record, Release
from tests.release.conftest import IMAGE, OTHER_IMAGE, ROOT
from tests.release.test_record import RELEASE

PAGE = (ROOT / "docs/releases.md").read_text()
COMMANDS = sorted({command for _, command in state.TABLE})


def release(name: str, image: str = IMAGE) -> Release:
    """A release whose model is made of `name`."""
    made = digest.of_bytes(name.encode())
    return dataclasses.replace(RELEASE, digest=made, uri=f"s3://modelpin/models/iris/{made}/", image=image)


A, B, C = release("a"), release("b"), release("c")
STABLE = Record("iris", "production", stable=B, releases=(B, A))
CANARY = dataclasses.replace(STABLE, candidate=C, percent=10)
STATES = {
    "empty": Record("iris", "production"),
    "stable": STABLE,
    "canary": CANARY,
    "rolled-back": dataclasses.replace(STABLE, percent=0, left=C.digest),
    "settled": dataclasses.replace(STABLE, left=C.digest),
}


def run(before: Record, command: str, one: Release = C, percent: int = 50) -> Record:
    """The record after `command`, written as in the table."""
    match command:
        case "deploy":
            return state.deploy(before, one, keep=3, percent=None, first=10)
        case "deploy --canary":
            return state.deploy(before, one, keep=3, percent=percent, first=10)
        case "deploy of the stable":
            return state.deploy(before, before.stable or one, keep=3, percent=None, first=10)
        case "advance":
            return state.advance(before, percent)
        case "promote":
            return state.promote(before, 3, "later")
        case "rollback":
            return state.rollback(before, None, "later", lambda _: False)
        case "rollback --to":
            return state.rollback(before, A.digest, "later", lambda _: False)
        case "settle":
            return state.settle(before)
    return state.rebuild(before)


def test_docs_and_code_hold_one_table() -> None:
    """The tables of docs/releases.md are TABLE and ARRIVED, row for row."""
    rows = re.findall(r"^\| ([\w-]+) \| `([\w -]+)` \| ([\w-]+) \|$", PAGE, re.M)
    assert [((before, command), after) for before, command, after in rows] == list(state.TABLE.items())
    done = PAGE[PAGE.index("find their work done") : PAGE.index("A deploy during a canary")]
    listed = re.findall(r"^\| ([\w-]+) \| (`.*`) \|$", done, re.M)
    assert {(before, word) for before, words in listed for word in re.findall(r"`([^`]+)`", words)} == state.ARRIVED
    assert not state.ARRIVED & state.TABLE.keys()


def test_every_command_of_the_page_can_be_typed() -> None:
    """Each command line of docs/releases.md parses, and its table has each command that releases."""
    lines = re.findall(r"python -m release ([^`\n]+)", PAGE)
    assert len(lines) > 10
    for line in lines:
        command_line.parser().parse_args(shlex.split(line, comments=True))
    listed = set(re.findall(r"^\| `(\w+)` \| .* \|.*\|$", PAGE[PAGE.index("## Commands") :], re.M))
    typed = set(re.findall(r"^    (\w+)\b", command_line.parser().format_help(), re.M))
    assert listed == typed - {"publish", "adopt", "settings", "configure"}


@pytest.mark.parametrize(("before", "command"), itertools.product(STATES, COMMANDS))
def test_each_command_in_each_state(before: str, command: str) -> None:
    """In the table: the state it names. Done already: the same record. Neither: refused with what is possible now."""
    there = STATES[before]
    assert state.of(there) == before
    one = release("d") if command.startswith("deploy") else C
    if (before, command) in state.TABLE:
        after = run(there, command, one)
        assert state.of(after) == state.TABLE[before, command]
        assert record.parse(record.render(after), "x") == after
    elif (before, command) in state.ARRIVED:
        assert run(there, command, one) == there
    elif (before, command) == ("empty", "deploy of the stable"):
        return  # nothing is stable
    elif command == "rollback --to" and before in ("stable", "canary", "rolled-back"):
        return  # the same command as `rollback`, tested below
    else:
        with pytest.raises(ConfigurationError, match=r"possible now: |takes all the traffic"):
            run(there, command, one)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(COMMANDS), st.sampled_from([A, B, C, release("a", OTHER_IMAGE)]), st.integers(-1, 101)
        ),
        max_size=12,
    )
)
def test_no_path_leads_to_two_truths(steps: list[tuple[str, Release, int]]) -> None:
    """Whatever is run in whatever order: a share is only of a candidate that is not stable, run again it stays."""
    now = STATES["empty"]
    for command, one, percent in steps:
        try:
            after = run(now, command, one, percent)
        except ConfigurationError:
            continue
        if state.of(after) != "canary" or command != "deploy of the stable":
            assert (
                run(after, command, one, percent) == after or command == "rollback --to" or command == "deploy --canary"
            )
        predictor = yaml.safe_load(inference_service.render(after)).get("spec", {}).get("predictor")
        served = after.candidate or after.stable
        assert (predictor is None) == (served is None)
        if served is not None:
            model = predictor["model"]
            assert model["env"] == [{"name": "MODEL_URI", "value": model["storageUri"]}]
            assert (model["storageUri"], model["image"]) == (served.uri, served.image)
            assert predictor.get("canaryTrafficPercent") == after.percent
        now = after


def test_what_a_canary_is_given() -> None:
    """Its own percentage, that of environment.yaml when it replaces one, never less than before, never 0 or 100."""
    replaced = run(dataclasses.replace(CANARY, percent=50), "deploy", A)
    assert (replaced.stable, replaced.candidate, replaced.percent) == (B, A, 10)
    assert run(CANARY, "deploy --canary", C, 90) == CANARY  # the same candidate again goes on where it is
    assert run(CANARY, "advance", percent=10) == CANARY
    for percent in (0, 9, 100):
        with pytest.raises(ConfigurationError):
            run(CANARY, "advance", percent=percent)
    promoted = run(CANARY, "promote")
    assert promoted.stable == dataclasses.replace(C, since="later")
    assert promoted.releases[1:] == (B, A)


@pytest.mark.parametrize("before", ["stable", "canary", "rolled-back", "settled"])
def test_stable_never_gets_a_share(before: str) -> None:
    """The same model and image with a percentage is refused: KServe would read a rollback."""
    with pytest.raises(ConfigurationError, match="would read as a rollback"):
        run(STATES[before], "deploy --canary", B)


def test_another_image_of_the_same_model_is_a_canary() -> None:
    """After a library upgrade the same model in a new image is a release of its own."""
    assert state.of(run(STABLE, "deploy --canary", release("b", OTHER_IMAGE))) == "canary"


def test_rollback_leads_back_once() -> None:
    """Repeated it stays; `--to` leads further; a barred release is passed over; a canary goes nowhere else."""
    back = run(STABLE, "rollback")
    assert (state.of(back), back.stable, back.left) == ("settled", dataclasses.replace(A, since="later"), B.digest)
    three = dataclasses.replace(STABLE, stable=C, releases=(C, B, A))
    passed_over = state.rollback(three, None, "later", lambda one: one == B)
    assert passed_over.stable is not None
    assert passed_over.stable.digest == A.digest
    with pytest.raises(ConfigurationError, match="not in quarantine"):
        state.rollback(three, None, "later", lambda _: True)
    with pytest.raises(ConfigurationError, match="roll that back first"):
        state.rollback(CANARY, A.digest, "later", lambda _: False)
    with pytest.raises(ConfigurationError, match="settle"):
        state.rollback(STATES["rolled-back"], A.digest, "later", lambda _: False)
    with pytest.raises(ConfigurationError, match="nothing to roll back to"):
        run(Record("iris", "production", stable=A, releases=(A,)), "rollback")
