"""`python -m image COMMAND`: what image.yml does, a command a step. Run it at the root of the repository."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run
from artifact.errors import ConfigurationError, ModelpinError, UsageError
from image import attestation, build, program
from image.registry import Registry

SETTINGS = Path("gitops/settings/settings.yaml")


def main(argv: Sequence[str] | None = None) -> int:
    """Print KEY=VALUE lines for $GITHUB_OUTPUT; what people read goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in (
        ("find", "the digest that the registry has under TAG, if its attestations hold"),
        ("build", "build for each platform into build/image, an OCI layout"),
        ("push", "copy build/image to the registry under TAG, or the next that is free"),
    ):
        commands.add_parser(name, help=help_text).add_argument("tag", help="made of what goes into the image")
    commands.add_parser("name", help="repository@sha256:digest of what build/image holds")
    verified = commands.add_parser("verify", help="fail unless the attestations of an image hold")
    verified.add_argument("image", help="repository@sha256:digest")
    options = parser.parse_args(argv)
    settings = dict(re.findall(r'^  ([a-z-]+): "(.*)"$', SETTINGS.read_text(encoding="utf-8"), re.M))
    identity = attestation.Identity(settings["github-repository"], settings["github-branch"])
    if options.command == "verify":
        attestation.verify(options.image, identity)
        return 0
    registry = Registry(settings["registry"])
    if options.command == "name":
        print(f"{registry.repository}@{build.digest()}")
        return 0
    if not re.fullmatch(r"inputs-[0-9a-f]{20}", options.tag):
        raise UsageError(f"{options.tag!r} is no tag of this repository: `make image-{options.command}` makes it")
    if options.command == "build":
        print(f"digest={build.build(options.tag, _platforms())}")
    elif options.command == "push":
        _push(registry, options.tag)
    else:
        _find(registry, options.tag, identity)
    return 0


def _platforms() -> list[str]:
    platforms = os.environ.get("PLATFORMS", "linux/amd64,linux/arm64").split(",")
    if unknown := set(platforms) - {"linux/amd64", "linux/arm64"}:
        raise ConfigurationError(f"PLATFORMS names {min(unknown)!r}; the Dockerfile knows linux/amd64 and linux/arm64")
    return platforms


def _find(registry: Registry, tag: str, identity: attestation.Identity) -> None:
    """Print the digest of the newest image of `tag` that was built from these inputs by image.yml; empty without one.

    What does not hold is named in a warning of the run, and never used: the next step builds again.
    """
    digest = ""
    for name, candidate in reversed(registry.tags(tag).items()):
        try:
            if os.environ.get("ATTESTATIONS", "true") != "true":
                raise ConfigurationError("the variable IMAGE_ATTESTATIONS is not true: no image is taken by its tag")
            version = registry.version(candidate)
            if version != tag:
                raise ConfigurationError(f"it says that it is {version!r}, not {tag}")
            attestation.verify(f"{registry.repository}@{candidate}", identity)
        except ModelpinError as error:
            program.warn(f"{registry.repository}:{name} ({candidate}) is not used, but built again: {error}")
        else:
            digest = candidate
            break
    print(f"digest={digest}")


def _push(registry: Registry, tag: str) -> None:
    """Under `tag`, or `tag`-2 and so on: a repository with immutable tags takes each once. Nothing if it is there."""
    tags = registry.tags(tag)
    digest = build.digest()
    for name, present in tags.items():
        if present == digest:
            program.say(f"{registry.repository}:{name} has {digest} already: this build is equal to that one")
            return
    if tags:
        program.warn(f"this build, {digest}, differs from every image of {tag}: {', '.join(tags.values())}")
    name = registry.free(tag, tags)
    registry.push(build.LAYOUT, name)
    program.say(f"{registry.repository}:{name} is {digest}")


if __name__ == "__main__":
    run(main)
