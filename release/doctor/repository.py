"""GitHub: who asks, and what .github/protection.yaml asks for that is not so there."""

from __future__ import annotations

from collections.abc import Iterator

from artifact.errors import ConfigurationError
from release import github
from release.checkout import Checkout
from release.doctor.finding import FAULT, OK, WARNING, Finding
from release.protection import plan, protection_file


def look(checkout: Checkout) -> Iterator[Finding]:
    """Findings on the numbers that trust rests on, and on rulesets, environments and variables."""
    chosen = checkout.settings
    try:
        numbers = github.numbers(chosen.github_repository)
    except ConfigurationError as error:
        yield Finding("github", FAULT, str(error), "gh auth login")
        return
    ours = {name: getattr(chosen, name) for name in ("github_repository_id", "github_owner_id")}
    if all(numbers[name] == value for name, value in ours.items()):
        yield Finding("github", OK, f"{chosen.github_repository} has the numbers of settings.yaml")
    else:
        remedy = f"make configure GITHUB_REPOSITORY={chosen.github_repository}, then make aws"
        yield Finding("github", FAULT, f"settings.yaml has other numbers of {chosen.github_repository}", remedy)
    try:
        changes = plan.changes(chosen.github_repository, protection_file.read(checkout.root))
    except ConfigurationError as error:
        yield Finding("rules", FAULT, str(error), "correct .github/protection.yaml, or log in as an owner")
        return
    for change in changes:
        remedy = "make github APPLY=1; until then whoever may write may deploy (docs/trust.md)"
        yield Finding("rules", WARNING, f"not so at GitHub: {change.says}", remedy)
    if not changes:
        yield Finding("rules", OK, "rulesets, environments and variables are as .github/protection.yaml says")
