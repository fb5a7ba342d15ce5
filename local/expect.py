"""What the demo holds true at each step; DemoFailed says what was there instead."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from artifact.errors import ModelpinError
from artifact.tolerance import TOLERANCE
from local.release_in_git import ReleaseInGit
from local.serving import Answer


class DemoFailed(ModelpinError):
    """A step did not show what it should."""


def success(run: dict[str, Any] | None) -> dict[str, Any]:
    """The result of a workflow run that started and succeeded."""
    if run is None:
        raise DemoFailed("the push started no workflow: see why above")
    if not run["succeeded"]:
        raise DemoFailed(f"run {run['id']} of {run['workflow']} failed at {run['failed']}: {run['log']} says why")
    return run


def refusal(run: dict[str, Any] | None, step: str) -> None:
    """A workflow run started, and failed at `step` and nowhere else."""
    if run is None:
        raise DemoFailed("the push started no workflow: see why above")
    if run["failed"] != [step]:
        raise DemoFailed(f"run {run['id']} of {run['workflow']} failed at {run['failed']}, not at {step} alone")


def unchanged(now: ReleaseInGit, before: ReleaseInGit) -> None:
    """Git names the same release, by the same commit."""
    if now != before:
        raise DemoFailed(f"Git should name {before.uri} by commit {before.commit}, not {now.uri} by {now.commit}")


def equal(answers: Mapping[str, Answer], release: ReleaseInGit) -> str:
    """Every way gives the bits of `answers["offline"]` and names the digest that Git names; a sentence that says so.

    Plain scikit-learn, `answers["sklearn"]`, gives the same labels, and probabilities within the engine's tolerance.
    """
    offline, sklearn = answers["offline"], answers["sklearn"]
    pairs = zip(chain(*sklearn.probabilities), chain(*offline.probabilities), strict=True)
    furthest = max(abs(left - right) for left, right in pairs)
    if sklearn.labels != offline.labels or furthest > TOLERANCE:
        raise DemoFailed(f"the artifact answers {offline}, scikit-learn {sklearn}")
    for way, answer in answers.items():
        if way != "sklearn" and (answer.labels, answer.probabilities) != (offline.labels, offline.probabilities):
            raise DemoFailed(f"{way} answers {answer}, the offline model {offline}")
        if answer.digest not in (None, release.digest):
            raise DemoFailed(f"{way} comes from {answer.digest}, and Git names {release.digest}")
    count = sum(len(row) for row in offline.probabilities)
    return (
        f"{count} probabilities, equal to the last bit, all from {release.digest[:19]}…; "
        f"scikit-learn's own at most {furthest:.0e} away"
    )
