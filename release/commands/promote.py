"""Commit that the candidate gets all the traffic, once it is proved."""

from __future__ import annotations

from collections.abc import Sequence

from release import command_line
from release.checkout import Checkout
from release.commands import traffic
from release.commands.proof import Prover


def main(argv: Sequence[str] | None = None) -> None:
    """As `traffic.promote`."""
    line = command_line.parser("promote", __doc__)
    command_line.add_environment(line)
    command_line.add_release_host(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    branch, prover = checkout.branch(folder.environment), Prover.of(checkout, folder, arguments)
    request = checkout.request("promote", arguments)
    outcome = traffic.promote(branch, request, folder=folder, prover=prover, wait=arguments.wait)
    command_line.show([outcome], arguments)
