"""Commit that a model in quarantine may come back."""

from __future__ import annotations

from collections.abc import Sequence

from release import command_line
from release.checkout import Checkout
from release.commands import quarantine


def main(argv: Sequence[str] | None = None) -> None:
    """As `quarantine.unquarantine`."""
    line = command_line.parser("unquarantine", __doc__)
    line.add_argument("release", metavar="RELEASE", help="its name, or the digest of the artifact or its inputs")
    command_line.add_model(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    request = checkout.request("unquarantine", arguments)
    model, release = checkout.model(arguments), arguments.release
    # Production's branch first: what may not write there lifts nothing.
    outcomes = [
        quarantine.unquarantine(branch, request, model=model, release=release) for branch in checkout.branches()
    ]
    command_line.show(outcomes, arguments)
