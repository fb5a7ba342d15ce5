"""Commit that the candidate gets its first share of the traffic, once it is proved, or a larger share."""

from __future__ import annotations

from collections.abc import Sequence

from release import command_line
from release.checkout import Checkout
from release.commands import traffic
from release.commands.proof import Prover


def main(argv: Sequence[str] | None = None) -> None:
    """As `traffic.advance`."""
    line = command_line.parser("advance", __doc__)
    command_line.add_environment(line)
    line.add_argument("--to", type=int, metavar="N", help="percent (default: what it was deployed for)")
    command_line.add_release_host(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    branch, prover = checkout.branch(folder.environment), Prover.of(checkout, folder, arguments)
    request = checkout.request("advance", arguments)
    outcome = traffic.advance(branch, request, folder=folder, prover=prover, to=arguments.to, wait=arguments.wait)
    command_line.show([outcome], arguments)
