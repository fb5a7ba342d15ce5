"""Look at tools, settings, bucket, signers, credentials, branch rules and cluster, and name the remedy of each fault.

It changes nothing but one probe in the bucket.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from artifact.errors import ConfigurationError, kind
from release import command_line
from release.checkout import Checkout
from release.doctor import account, bucket, cluster, owned, repository, signatures, tools
from release.doctor.finding import FAULT, Finding

PARTS: dict[str, Callable[[Checkout], Iterable[Finding]]] = {
    "tools": lambda checkout: tools.look(),
    "settings": owned.look,
    "bucket": lambda checkout: bucket.look(checkout.settings),
    "signers": signatures.look,
    "aws": lambda checkout: account.look(checkout.settings),
    "github": repository.look,
    "cluster": lambda checkout: cluster.look(checkout.root, checkout.settings),
}


def doctor(checkout: Checkout, parts: Sequence[str]) -> Iterator[Finding]:
    """The findings of each of `parts`, in the order of PARTS."""
    for name, look in PARTS.items():
        if name in parts:
            yield from look(checkout)


def main(argv: Sequence[str] | None = None) -> None:
    """As `doctor`; the first fault's exit code when there is one: 10, of what does not answer 30, of Git 50."""
    line = command_line.parser("doctor", __doc__)
    line.add_argument("parts", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    line.add_argument("--json", action="store_true", help="for programs")
    arguments, checkout = command_line.parse(line, argv, may_be_empty=True), Checkout.current()
    if unknown := [name for name in arguments.parts if name not in PARTS]:
        line.error(f"{unknown[0]!r} is not one of {', '.join(PARTS)}")
    findings = []
    for finding in doctor(checkout, arguments.parts or list(PARTS)):
        findings.append(finding)
        if not arguments.json:
            print(finding)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    if faults := [finding for finding in findings if finding.level == FAULT]:
        first, count = faults[0], f"{len(faults)} fault" + "s" * (len(faults) > 1)
        raise kind(first.code, ConfigurationError)(f"{count}, the first: {first.says}; {first.remedy}")
