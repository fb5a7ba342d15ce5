"""The programs that docs/to-your-cluster calls, new enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from release.doctor.finding import FAULT, OK, Finding, NoAnswer, at_least, output

# Program → how it says its version, the oldest that will do and why, where it comes from.
TOOLS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "git": (("--version",), "2.29", "fetches single objects", "https://git-scm.com"),
    "aws": (("--version",), "2.17", "puts with --if-none-match", "https://aws.amazon.com/cli"),
    "kubectl": (("version", "--client"), "1.27", "renders components", "https://kubernetes.io/docs/tasks/tools"),
    "helm": (("version", "--short"), "3.8", "reads charts from registries", "https://helm.sh"),
    "eksctl": (("version",), "0.100", "makes the cluster's OIDC provider", "https://eksctl.io"),
    "gh": (("--version",), "2.20", "asks GitHub", "https://cli.github.com"),
}


def look() -> Iterator[Finding]:
    """A finding for each program."""
    for name, (arguments, minimum, why, source) in TOOLS.items():
        remedy = f"install {name} {minimum} or newer, which {why}: {source}"
        try:
            text = output(name, *arguments)
        except NoAnswer as error:
            yield Finding("tools", FAULT, str(error), remedy)
            continue
        match = re.search(r"\d+\.\d+(?:\.\d+)?", text)
        if match is None or not at_least(match[0], minimum):
            yield Finding("tools", FAULT, f"{name} is {match[0] if match else repr(text.strip()[:40])}", remedy)
        else:
            yield Finding("tools", OK, f"{name} {match[0]}")
