"""Ask releases at their own hosts, and commit that they answered as they are rendered now."""

from __future__ import annotations

from collections.abc import Sequence

from release import command_line
from release.checkout import Checkout
from release.commands import traffic
from release.commands.proof import Prover


def main(argv: Sequence[str] | None = None) -> None:
    """As `traffic.prove`."""
    line = command_line.parser("prove", __doc__)
    command_line.add_environment(line)
    line.add_argument("release", nargs="?", metavar="RELEASE", help="name or digest (default: all that matter)")
    command_line.add_release_host(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    branch, prover = checkout.branch(folder.environment), Prover.of(checkout, folder, arguments)
    request = checkout.request("prove", arguments)
    release, wait = arguments.release, arguments.wait
    outcome = traffic.prove(branch, request, folder=folder, prover=prover, release=release, wait=wait)
    command_line.show([outcome], arguments)
