"""List every URI and image that a record on any branch names: no expiry may remove them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from release import command_line
from release.checkout import Checkout
from release.git.branch import Branch, branches, opened, tip
from release.gitops import folder as folders


def references(branch: Branch) -> list[str]:
    """Every storageUri and image, sorted; a branch that people still work on counts too.

    ConfigurationError (10) for a record that cannot be read: then nothing may be removed. GitError (50).
    """
    texts: set[str] = set()
    with opened(branch) as git:
        for name in branches(git):
            head = tip(git, dataclasses.replace(branch, name=name, family=()))
            for folder in folders.all_of(head):
                for release in folder.read(head)[1].releases:
                    texts |= {release.uri, release.image}
    return sorted(texts)


def main(argv: Sequence[str] | None = None) -> None:
    """As `references`, a line each."""
    command_line.parse(command_line.parser("references", __doc__), argv)
    repositories = {remote.url: remote for remote in Checkout.current().remotes()}
    print("\n".join(sorted({text for remote in repositories.values() for text in references(remote)})))
