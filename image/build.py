"""The build: equal for equal inputs, for every platform, into an OCI layout that the other steps read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from artifact.errors import ConfigurationError
from image import program
from image.registry import VERSION

LAYOUT = Path("build/image")
_NAME = "localhost/modelpin/predictor:build"


def build(tag: str, platforms: Sequence[str]) -> str:
    """Build what `tag` was made from, and return the digest of the index of all `platforms`.

    No cache, no clock and no name of a machine goes into it. BUILDAH_OPTIONS adds options of `buildah bud`.
    """
    shutil.rmtree(LAYOUT, ignore_errors=True)
    LAYOUT.parent.mkdir(exist_ok=True)
    more = os.environ.get("BUILDAH_OPTIONS", "").split()
    try:
        program.run("buildah", "manifest", "inspect", _NAME)
    except program.Failed:
        pass
    else:
        program.run("buildah", "manifest", "rm", _NAME)
    for platform in platforms:  # in turn: built at once, they come into the index in the order in which they end
        program.run(
            *("buildah", "bud", "--isolation", "chroot", "--no-cache", "--format", "oci", "--timestamp", "0"),
            *("--identity-label=false", "--label", f"{VERSION}={tag}"),
            *("--platform", platform, "--manifest", _NAME, *more, "."),
            visible=True,
        )
    program.run("buildah", "manifest", "push", "--all", _NAME, f"oci:{LAYOUT}", visible=True)
    return digest()


def digest() -> str:
    """The digest of what build/image holds; ConfigurationError (10) before it was built."""
    try:
        manifests = json.loads((LAYOUT / "index.json").read_text(encoding="utf-8"))["manifests"]
    except FileNotFoundError:
        raise ConfigurationError(f"there is no {LAYOUT}: `make image-build` makes it") from None
    return str(manifests[0]["digest"])
