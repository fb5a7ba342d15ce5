"""Say whether gitops/ here names only what may serve: for CI, and for a revert that a person wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from artifact.errors import GateRefused
from release import command_line, quoted_yaml, state
from release.checkout import Checkout
from release.git.tip import Tip
from release.gitops import folder as folders
from release.gitops import quarantine, release_file
from release.gitops.folder import Folder
from release.gitops.record import SCHEMA_VERSION, Record
from release.gitops.release import Release
from release.gitops.worktree import Worktree


def check(here: Tip | Worktree, model: str | None = None, of: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The environments that hold, of those that `of` is true of.

    GateRefused (41) with each that does not, and the command that leads out of it. ConfigurationError (10) for a file
    that cannot be read. The bucket is not asked: a commit named only what it held.
    """
    listed = [folder for folder in folders.all_of(here, model) if of(folder.environment)]
    environments = [(folder, _problems(here, folder)) for folder in listed]
    problems = [problem for _, lines in environments for problem in lines]
    if problems:
        raise GateRefused("; ".join(problems))
    return [f"{folder.model} in {folder.environment}: holds" for folder, _ in environments]


def _problems(here: Tip | Worktree, folder: Folder) -> list[str]:
    record = folder.read(here)[1]
    if record.schema != SCHEMA_VERSION:
        return []  # migrated by a command of its own; until then the old files stand
    text = here.of(folder.environment).read(f"{folder.path}/{release_file.FILE}") or ""
    entries, where = folder.quarantined(here), f"{folder.model} in {folder.environment}"

    def barred(one: Release) -> bool:
        return quarantine.match(entries, one.digest, one.inputs_digest) is not None

    problems = []
    if text != release_file.render(record):
        problems.append(
            f"{where}: {release_file.FILE} is not what the record says: restore both from one commit, or run any "
            "command that releases there, which repairs it"
        )
    names, absent = _named(text)
    problems += [
        f"{where}: the Route names {name}, whose InferenceService is not there: restore {release_file.FILE} from Git, "
        f"or deploy it again with `python -m release deploy --env {folder.environment}`"
        for name in absent
    ]
    for one in record.releases:
        if one.name in names and barred(one):
            problems.append(f"{where}: would serve {one.name}, which is in quarantine: {_way_out(folder, record, one)}")
    return problems


def _way_out(folder: Folder, record: Record, one: Release) -> str:
    act = f"`python -m release quarantine {one.name} --env {folder.environment}` takes it out of the traffic"
    others = [other for other in state.eligible(record, lambda _: False) if other.rendered]
    return f"{act}, `python -m release unquarantine {one.name}` lets it come back" + (
        "" if others else "; there is no other release to serve: --stop"
    )


def _named(text: str) -> tuple[set[str], list[str]]:
    """The releases that the Route in release.yaml names, and those of them without an InferenceService there."""
    documents: list[dict[str, Any]] = [one for one in quoted_yaml.documents(text) if one]
    there = {one["metadata"]["name"] for one in documents if one["kind"] == "InferenceService"}
    names = {
        target["configurationName"].removesuffix(release_file.configuration(""))
        for one in documents
        if one["kind"] == "Route"
        for target in one["spec"]["traffic"]
    }
    return names, sorted(names - there)


def main(argv: Sequence[str] | None = None) -> None:
    """As `check`, of the working tree; a line for each environment."""
    line = command_line.parser("check", __doc__)
    line.add_argument("--model", help="only this model")
    line.add_argument(
        "--branch", help="only the environments that live on it; on any that the settings do not name: all of them"
    )
    arguments, here = command_line.parse(line, argv), Checkout.here()

    def of(environment: str) -> bool:
        chosen = here.settings
        places = {chosen.gitops_branch, chosen.production_branch}
        return arguments.branch not in places or arguments.branch == chosen.branch_of(environment)

    print("\n".join(check(Worktree(here.root), arguments.model, of)))
