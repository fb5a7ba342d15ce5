"""What may serve: published to the bucket, named in Git. Run it at the root of the repository."""

from __future__ import annotations

from collections.abc import Sequence

from artifact import command_table
from artifact.command import run

COMMANDS = {
    name: f"release.commands.{name}"
    for name in (
        "publish", "deploy", "advance", "promote", "prove", "rollback", "retire", "quarantine", "unquarantine",
        "batch", "analyse", "shadow",
        "step", "retrain", "migrate", "check", "references", "status", "fetch", "show", "champion",
        "adopt", "settings", "configure", "trust", "github", "manifests", "comment", "doctor",
        "page",
    )
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run one command, named by the first of `argv`, in the working directory."""
    return command_table.main("release", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    run(main)
