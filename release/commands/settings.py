"""Print the settings as NAME=VALUE lines, as $GITHUB_OUTPUT takes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from release import command_line, settings
from release.checkout import Checkout


def main(argv: Sequence[str] | None = None) -> None:
    """The values of settings.yaml, in its order. ConfigurationError (10)."""
    command_line.parse(command_line.parser("settings", __doc__), argv)
    values = Checkout.current().settings
    for item in dataclasses.fields(values):
        print(f"{settings.key(item.name)}={getattr(values, item.name)}")
