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


def check(tip: Tip | Worktree, model: str | None = None, of: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The environments that hold, of those that `of` is true of.

    GateRefused (41) with each that does not, and the command that leads out of it. ConfigurationError (10) for a file
    that cannot be read. The bucket is not asked: a commit named only what it held.
    """
    listed = [folder for folder in folders.all_of(tip, model) if of(folder.environment)]
    environments = [(folder, _problems(tip, folder)) for folder in listed]
    problems = [problem for _, lines in environments for problem in lines]
    if problems:
        raise GateRefused("; ".join(problems))
    return [f"{folder.model} in {folder.environment}: holds" for folder, _ in environments]


def _problems(tip: Tip | Worktree, folder: Folder) -> list[str]:
    record = folder.read(tip)[1]
    if record.schema != SCHEMA_VERSION:
        return []  # migrated by a command of its own; until then the old files stand
    text = tip.of(folder.environment).read(f"{folder.path}/{release_file.FILE}") or ""
    entries, title = folder.quarantined(tip), f"{folder.model} in {folder.environment}"

    def barred(release: Release) -> bool:
        return quarantine.match(entries, release.digest, release.inputs_digest) is not None

    problems = []
    if text != release_file.render(record):
        problems.append(
            f"{title}: {release_file.FILE} is not what the record says: restore both from one commit, or run any "
            "command that releases there, which repairs it"
        )
    names, absent = _named(text)
    problems += [
        f"{title}: the Route names {name}, whose InferenceService is not there: restore {release_file.FILE} from Git, "
        f"or deploy it again with `python -m release deploy --env {folder.environment}`"
        for name in absent
    ]
    for release in record.releases:
        if release.name in names and barred(release):
            problems.append(
                f"{title}: would serve {release.name}, which is in quarantine: {_way_out(folder, record, release)}"
            )
    return problems


def _way_out(folder: Folder, record: Record, release: Release) -> str:
    act = f"`python -m release quarantine {release.name} --env {folder.environment}` takes it out of the traffic"
    others = [other for other in state.eligible(record, lambda _: False) if other.rendered]
    return f"{act}, `python -m release unquarantine {release.name}` lets it come back" + (
        "" if others else "; there is no other release to serve: --stop"
    )


def _named(text: str) -> tuple[set[str], list[str]]:
    """The releases that the Route in release.yaml names, and those of them without an InferenceService there."""
    documents: list[dict[str, Any]] = [document for document in quoted_yaml.documents(text) if document]
    there = {document["metadata"]["name"] for document in documents if document["kind"] == "InferenceService"}
    names = {
        target["configurationName"].removesuffix(release_file.configuration(""))
        for document in documents
        if document["kind"] == "Route"
        for target in document["spec"]["traffic"]
    }
    return names, sorted(names - there)


def main(argv: Sequence[str] | None = None) -> None:
    """As `check`, of the working tree; a line for each environment."""
    line = command_line.parser("check", __doc__)
    line.add_argument("--model", help="only this model")
    line.add_argument(
        "--branch", help="only the environments that live on it; on any that the settings do not name: all of them"
    )
    arguments, checkout = command_line.parse(line, argv), Checkout.current()

    def of(environment: str) -> bool:
        chosen = checkout.settings
        branches = {chosen.gitops_branch, chosen.production_branch}
        return arguments.branch not in branches or arguments.branch == chosen.branch_of(environment)

    print("\n".join(check(Worktree(checkout.root), arguments.model, of)))
