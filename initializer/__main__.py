"""`python -m initializer URI FOLDER [URI FOLDER ...]`: KServe gives its storage initializer these arguments."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run
from artifact.digest import ArtifactUri
from artifact.errors import UsageError
from initializer.bucket import Bucket
from initializer.download import download


def main(argv: Sequence[str] | None = None) -> int:
    """Put each artifact into its folder: 0, or 2, 10, 20 and 30 as every command of this repository."""
    words = sys.argv[1:] if argv is None else list(argv)
    if not words or len(words) % 2:
        raise UsageError(f"expected URI FOLDER [URI FOLDER ...], not {len(words)} arguments")
    for text, folder in zip(words[::2], words[1::2], strict=True):
        uri = ArtifactUri.parse(text)
        size = download(Bucket(uri), Path(folder), uri.digest)
        print(f"{uri} is in {folder}, {size} bytes, each hashed", flush=True)
    return 0


if __name__ == "__main__":
    run(main)
