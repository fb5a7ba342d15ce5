"""`python -m predictor --model_dir DIR --model_name NAME --expected_digest D`: verify, load, replay, then serve."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import digest
from artifact.command import run
from artifact.errors import ConfigurationError
from artifact.load import load


@dataclass(frozen=True)
class Settings:
    """What the predictor was told: where the model is, what it must be, where to listen."""

    model_dir: Path
    model_name: str
    expected_digest: str | None
    allow_unpinned: bool
    host: str
    http_port: int
    grpc_port: int


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit codes 10, 20, 21, 22 and 23 before anything listens."""
    settings = read(argv)
    loaded = load(
        settings.model_dir,
        expected_digest=settings.expected_digest,
        name=settings.model_name,
        allow_unpinned=settings.allow_unpinned,
    )
    # `import kserve` parses sys.argv with a parser of its own, which would exit on arguments that are only ours.
    sys.argv = sys.argv[:1]
    from predictor.model import Model
    from predictor.server import Server

    Server(Model(loaded), settings.host, settings.http_port, settings.grpc_port).run()
    return 0


def read(argv: Sequence[str] | None) -> Settings:
    """Settings from the command line and from MODEL_URI, which gitops/ sets; where both name a digest they agree."""
    parser = argparse.ArgumentParser(
        prog="python -m predictor", description="Serve one verified model over KServe's v1 and v2."
    )
    parser.add_argument("--model_dir", type=Path, required=True, help="where the storage initializer put the artifact")
    parser.add_argument("--model_name", required=True, help="the model's name; the manifest must have the same")
    parser.add_argument("--expected_digest", help="sha256-<64 hex>; default: the last segment of MODEL_URI")
    parser.add_argument("--allow-unpinned", action="store_true", help="serve whatever is there: for a laptop only")
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on")  # noqa: S104  # a pod's only one
    parser.add_argument("--http_port", type=int, default=8080)
    parser.add_argument("--grpc_port", type=int, default=8081)
    given = parser.parse_args(argv)
    expected = None if given.expected_digest is None else digest.parse(given.expected_digest)
    if uri := os.environ.get("MODEL_URI"):
        named = digest.ArtifactUri.parse(uri)
        if expected not in (None, named.digest):
            raise ConfigurationError(
                f"--expected_digest {expected} and MODEL_URI {uri} name different artifacts; give one"
            )
        if named.model != given.model_name:
            raise ConfigurationError(f"--model_name {given.model_name!r} is not the model of MODEL_URI {uri}")
        expected = named.digest
    return Settings(
        given.model_dir, given.model_name, expected, given.allow_unpinned, given.host, given.http_port, given.grpc_port
    )


if __name__ == "__main__":
    run(main)
