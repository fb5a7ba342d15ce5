"""Git in the checkout that a person asks from."""

from __future__ import annotations

import subprocess

_SECONDS = 60  # of a fetch, the slowest of them


def run(*words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    """`git words`; where it fails, a SubprocessError if `check`, else its code and what it wrote."""
    return subprocess.run(["git", *words], capture_output=True, text=True, timeout=_SECONDS, check=check)
