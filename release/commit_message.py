"""Commit messages of releases: a subject, and trailers as `git interpret-trailers` reads them."""

from __future__ import annotations

from collections.abc import Mapping

from release import quoted_yaml
from release.gitops.release import Release

NONE = "none"


def render(subject: str, trailers: Mapping[str, str]) -> str:
    """The message; a control character in a value is escaped, so that none becomes a second trailer or paragraph."""
    lines = "".join(f"{name}: {_one_line(value)}\n" for name, value in trailers.items())
    return f"{_one_line(subject)}\n\n{lines}"


def trailers(now: Release, before: Release | None) -> dict[str, str]:
    """What a commit says of the release that it is about, and of the one that had the traffic until then."""
    return {
        "Release": now.name,
        "Model-Digest": now.digest,
        "Inputs-Digest": now.inputs_digest,
        "Data-Digest": now.data_digest,
        "Source-Commit": now.source_commit,
        "Previous-Release": NONE if before is None else before.name,
        "Previous-Uri": NONE if before is None else before.uri,
        "Gate-Result": now.gate,
    }


def short(digest: str) -> str:
    """A digest on a page: `sha256-` and 12 characters, which every command takes for its beginning."""
    return digest[: len("sha256-") + 12]


def _one_line(text: str) -> str:
    escaped = text if text.isprintable() else quoted_yaml.quote(text)
    return escaped.strip() or NONE
