"""The states and commands of an environment: no path leads to two truths."""

import dataclasses
import itertools

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from artifact import digest
from artifact.errors import ConfigurationError, GateRefused
from release import state, transitions
from release.gitops import record, release_file
from release.gitops.record import Record
from release.gitops.release import Proof, Release
from tests.release.conftest import IMAGE, OTHER_IMAGE
from tests.release.test_record import RELEASE

COMMANDS = list(dict.fromkeys(command for _, command in [*state.TABLE, *sorted(state.ARRIVED)]))
PROOF = Proof("2026-01-01T00:00:00Z", "spec", "it answered")
NOW = "2026-02-02T00:00:00Z"


def release(name: str, image: str = IMAGE, **changes: object) -> Release:
    """A release whose model is made of `name`, never deployed."""
    result = digest.of_bytes(name.encode())
    fresh: dict[str, object] = {"rendered": False, "served": False} | changes
    uri = f"s3://modelpin/models/iris/{result}/"
    return dataclasses.replace(RELEASE, digest=result, uri=uri, image=image, inputs_digest=result, **fresh)  # type: ignore[arg-type]


A, B, C, D = (release(name) for name in "abcd")


def having(release: Release, **changes: object) -> Release:
    """`release` as it is once it had traffic."""
    fresh = {"rendered": True, "served": True, "proof": PROOF} | changes
    return dataclasses.replace(release, **fresh)  # type: ignore[arg-type]


STABLE = Record("iris", "production", stable_name=B.name, releases=(having(B), having(A, left=NOW)))
CANARY = dataclasses.replace(STABLE, candidate_name=C.name, percent=10, releases=(having(C), *STABLE.releases))
PROVING = dataclasses.replace(
    CANARY, percent=0, share=10, releases=(dataclasses.replace(C, rendered=True), *STABLE.releases)
)
STATES = {"empty": Record("iris", "production"), "proving": PROVING, "stable": STABLE, "canary": CANARY}
BACK = {  # where `rollback again` finds its work done
    "stable": dataclasses.replace(STABLE, releases=(having(C, rejected=True), *STABLE.releases)),
    "empty": dataclasses.replace(STATES["empty"], releases=(dataclasses.replace(C, rejected=True),)),
    "proving": transitions.rollback(
        dataclasses.replace(STABLE, releases=(having(B), having(A, rendered=False))), None, NOW, lambda _: False
    ),
}


def run(before: Record, command: str, release: Release = D, percent: int = 50) -> Record:
    """The record after `command`, written as in the table."""
    match command:
        case "deploy":
            return transitions.deploy(before, release, keep=3, percent=None, first=10)
        case "deploy --canary":
            return transitions.deploy(before, release, keep=3, percent=percent, first=10)
        case "deploy of the stable":
            return transitions.deploy(before, before.stable or release, keep=3, percent=None, first=10)
        case "advance":
            return transitions.advance(before, percent, NOW)
        case "promote":
            return transitions.promote(before, NOW)
        case "rollback" | "rollback again":
            return transitions.rollback(before, None, NOW, lambda _: False)
        case "rollback --to":
            return transitions.rollback(before, A.name, NOW, lambda _: False)
        case "quarantine":
            return transitions.leave(
                before, NOW, lambda other: percent == 100 or other.digest == release.digest, stop=True
            )
        case "retire":
            return transitions.retire(before, 1, lambda _: False, lambda _: True)
    state.arrived(before, command)
    return before


@pytest.mark.parametrize(("before", "command"), list(itertools.product(STATES, COMMANDS)))
def test_each_command_in_each_state(before: str, command: str) -> None:
    """In the table: one of the states it names. Done already: the same record. Neither: refused with what is."""
    there = BACK.get(before, STATES[before]) if command == "rollback again" else STATES[before]
    assert state.of(there) == before
    release = {"quarantine": B}.get(command, D)
    if (before, command) in state.TABLE:
        after = run(there, command, release)
        assert state.of(after) in state.TABLE[before, command]
        assert record.parse(record.render(after), "x") == after
    elif (before, command) in state.ARRIVED:
        assert run(there, command, release) == there
    elif (before, command) in {
        ("empty", "deploy of the stable"),
        ("empty", "quarantine"),
        ("canary", "rollback again"),
    }:
        return  # there is nothing to be meant
    elif command == "rollback --to" and before in ("canary", "proving"):
        with pytest.raises(ConfigurationError, match="roll that back first"):
            run(there, command)
    else:
        with pytest.raises(ConfigurationError, match=r"possible now: |takes all the traffic"):
            run(there, command, release)


def test_every_state_that_the_table_names_is_reached() -> None:
    """No row promises a state that no record leads to."""
    first = dataclasses.replace(PROVING, stable_name=None, share=100, releases=PROVING.releases[:1])
    retired = dataclasses.replace(STABLE, releases=(having(B), having(A, rendered=False)))
    alone = dataclasses.replace(STABLE, releases=(having(B),))
    records = [
        *STATES.values(),
        first,
        retired,
        alone,
        dataclasses.replace(PROVING, releases=(PROVING.releases[0], having(B))),
    ]
    reached: dict[tuple[str, str], set[str]] = {}
    for there, command, percent, release in itertools.product(records, COMMANDS, (50, 100), (B, C, D)):
        if command in ("deploy", "deploy --canary") and release is not D:
            continue
        try:
            after = run(there, command, release, percent)
        except (ConfigurationError, GateRefused):
            continue
        if command != "quarantine" or after != there:
            reached.setdefault((state.of(there), command), set()).add(state.of(after))
    for row, after in state.TABLE.items():
        assert reached[row] - {row[0]} == set(after) - {row[0]}, row


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(COMMANDS), st.sampled_from([A, B, C, release("a", OTHER_IMAGE)]), st.integers(-1, 101)
        ),
        max_size=12,
    )
)
def test_no_path_leads_to_two_truths(steps: list[tuple[str, Release, int]]) -> None:
    """Whatever is run in whatever order: the Route names only releases that stand beside it; run again, it stays."""
    now = STATES["empty"]
    for command, release, percent in steps:
        try:
            after = run(now, command, release, percent)
        except (ConfigurationError, GateRefused):
            continue
        if command != "deploy of the stable" or state.of(now) != "empty":
            assert runs_again(after, command, release, percent) == after
        documents = [document for document in yaml.safe_load_all(release_file.render(after)) if document]
        there = {document["metadata"]["name"] for document in documents if document["kind"] == "InferenceService"}
        shares = [
            target for document in documents if document["kind"] == "Route" for target in document["spec"]["traffic"]
        ]
        assert {target["configurationName"].removesuffix("-predictor") for target in shares} <= there
        assert sum(target["percent"] for target in shares) == (100 if after.stable else 0)
        assert all(target["percent"] > 0 for target in shares)
        now = after


def runs_again(after: Record, command: str, release: Release, percent: int) -> Record:
    """The record after the same command once more; as it is where that is refused."""
    try:
        return run(after, command, release, percent)
    except (ConfigurationError, GateRefused):
        return after


def test_what_a_candidate_is_given() -> None:
    """Its own percentage, that of environment.yaml when it replaces a canary; never less than before, never 0."""
    replaced = run(dataclasses.replace(CANARY, percent=50), "deploy", D)
    assert (replaced.stable, replaced.candidate and replaced.candidate.name) == (having(B), D.name)
    assert (replaced.percent, replaced.share) == (0, 10)
    assert run(CANARY, "deploy --canary", C, 90) == CANARY  # the same candidate again goes on where it is
    assert run(CANARY, "advance", percent=10) == CANARY
    for percent in (0, 9, 100):
        with pytest.raises(ConfigurationError):
            run(CANARY, "advance", percent=percent)
    with pytest.raises(ConfigurationError, match="--to N"):
        transitions.advance(CANARY, None, NOW)
    assert transitions.advance(PROVING, None, NOW).percent == 10
    promoted = run(CANARY, "promote")
    assert promoted.stable == having(C, since=NOW)
    assert promoted.releases[1:] == (having(B, left=NOW), having(A, left=NOW))


def test_the_first_release_takes_everything() -> None:
    """There is nothing to give the rest to."""
    first = run(STATES["empty"], "deploy")
    assert (state.of(first), first.share, first.stable) == ("proving", 100, None)
    assert state.of(transitions.advance(first, None, NOW)) == "stable"


def test_what_had_no_traffic_goes_at_once_and_what_had_some_is_kept() -> None:
    """A candidate that never had traffic loses its InferenceService when it is replaced; one that had keeps it."""
    for before, rest in ((PROVING, False), (CANARY, True)):
        for command in ("deploy", "rollback"):
            after = run(before, command).find(C.name)
            assert after is not None
            assert (after.rendered, after.left) == (
                rest,
                "2026-01-02T03:04:05Z" if rest and command == "deploy" else NOW if rest else None,
            )


def test_another_image_of_the_same_model_is_a_release() -> None:
    """After a library upgrade the same model in a new image is a candidate of its own."""
    assert state.of(run(STABLE, "deploy --canary", release("b", OTHER_IMAGE))) == "proving"


def test_rollback_leads_back_once() -> None:
    """Repeated it stays; `--to` leads further; what is barred or was rejected is passed over."""
    back = run(STABLE, "rollback")
    assert (state.of(back), back.stable) == ("stable", having(A, since=NOW))
    assert back.find(B.name) == having(B, rejected=True, left=NOW)
    assert run(back, "rollback") == back
    three = dataclasses.replace(STABLE, stable_name=C.name, releases=(having(C), having(B), having(A)))
    passed_over = transitions.rollback(three, None, NOW, lambda release: release.name == B.name)
    assert passed_over.stable_name == A.name
    with pytest.raises(ConfigurationError, match="not in quarantine"):
        transitions.rollback(three, None, NOW, lambda _: True)
    later = transitions.promote(run(back, "deploy", D), NOW)
    assert transitions.rollback(later, None, NOW, lambda _: False).stable_name == A.name
    with pytest.raises(ConfigurationError, match="nothing to roll back to"):
        run(Record("iris", "production", stable_name=A.name, releases=(having(A),)), "rollback")


def test_rollback_to_what_was_retired_is_proved_first() -> None:
    """An older release without an InferenceService becomes the candidate; the next step gives it everything."""
    retired = dataclasses.replace(STABLE, releases=(having(B), having(A, rendered=False)))
    back = run(retired, "rollback")
    assert (back.stable_name, back.candidate_name, back.percent, back.share) == (B.name, A.name, 0, 100)
    assert back.candidate is not None
    assert back.candidate.proof is None
    assert run(back, "rollback") == back
    assert run(back, "rollback --to") == back
    there = transitions.advance(back, None, NOW)
    assert there.stable_name == A.name
    assert run(there, "rollback") == there


def test_quarantine_leaves_the_route() -> None:
    """For the newest proved release that is not barred: a canary takes over, else an older one; none: refused."""
    canary = run(CANARY, "quarantine", B)
    assert (state.of(canary), canary.stable_name) == ("stable", C.name)
    assert run(CANARY, "quarantine", C).stable_name == B.name
    assert run(STABLE, "quarantine", B).stable_name == A.name
    assert run(STABLE, "quarantine", D) == STABLE
    alone = dataclasses.replace(STABLE, releases=(having(B),))
    with pytest.raises(GateRefused, match="--stop"):
        transitions.leave(alone, NOW, lambda _: True, stop=False)
    stopped = transitions.leave(alone, NOW, lambda _: True, stop=True)
    assert (state.of(stopped), release_file.render(stopped).count('kind: "Route"')) == ("empty", 0)
    going_on = transitions.leave(PROVING, NOW, lambda release: release.name in (A.name, B.name), stop=True)
    assert (going_on.stable_name, going_on.candidate_name, going_on.share) == (None, C.name, 100)


def test_retire_keeps_what_is_named_and_what_a_rollback_needs() -> None:
    """Neither stable nor candidate, nor the newest that a rollback may lead to; nothing that is too young."""
    many = dataclasses.replace(
        CANARY, releases=(having(C), having(B), having(D, rejected=True, left=NOW), having(A, left=NOW))
    )

    def names(record: Record) -> list[str]:
        return [release.name for release in record.releases if release.rendered]

    assert names(transitions.retire(many, 2, lambda _: False, lambda _: True)) == [C.name, B.name, A.name]
    assert names(transitions.retire(many, 1, lambda _: False, lambda _: True)) == [C.name, B.name]
    assert transitions.retire(many, 1, lambda _: False, lambda _: False) == many
    stopped = dataclasses.replace(STATES["empty"], releases=(having(A, left=NOW),))
    with pytest.raises(ConfigurationError):
        transitions.retire(stopped, 1, lambda _: False, lambda _: True)  # the last proved release stays
