"""Show what has to change at GitHub for the protection in .github/protection.yaml, and with --apply change it.

Without it anybody who may write to the repository may deploy: docs/trust.md says what the simple mode lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from artifact import text_file
from release import command_line, github
from release.checkout import Checkout
from release.protection import plan, protection_file


def apply(root: Path, repository: str, *, dry_run: bool, say: Callable[[str], None]) -> None:
    """Bring GitHub and CODEOWNERS to what protection.yaml says, or only say what would change; again, nothing.

    ConfigurationError (10) when GitHub refuses, names the request; what was changed before it stays, and a second run
    goes on from there.
    """
    protection = protection_file.read(root)
    listed = plan.changes(repository, protection)
    for change in listed:
        if not dry_run:
            github.api(change.path, change.method, change.body)
        say(change.says)
    changes = len(listed)
    owners = root / protection_file.OWNERS_FILE
    text = protection.codeowners()
    if not owners.exists() or owners.read_text(encoding="utf-8") != text:
        if not dry_run:
            text_file.write(owners, text)
        say(f"{protection_file.OWNERS_FILE}: {' '.join(protection.owners)}; commit it")
        changes += 1
    for name in plan.missing_keys(repository, protection):
        say(f"still to do: gh secret set {plan.KEY} --env {name} < the private key of its App")
    if not changes:
        say(f"{repository} is as {protection_file.FILE} says")
    elif dry_run:
        say("nothing was changed: make github APPLY=1")


def main(argv: Sequence[str] | None = None) -> None:
    """As `apply`, for the repository of settings.yaml."""
    line = command_line.parser("github", __doc__)
    line.add_argument("--apply", action="store_true", help="change it (default: only show)")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    apply(checkout.root, checkout.settings.github_repository, dry_run=not arguments.apply, say=print)
