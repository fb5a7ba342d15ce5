"""`python -m predictor --model_dir DIR --model_name NAME --expected_digest D`: verify, load, replay, then serve."""

from __future__ import annotations

from collections.abc import Sequence

from artifact.command import run
from artifact.load import load
from predictor import lean
from predictor.settings import read


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit codes 10, 20, 21, 22 and 23 before anything listens."""
    source, settings = read(argv)
    loaded = load(
        source.model_dir,
        expected_digest=source.expected_digest,
        name=source.model_name,
        allow_unpinned=source.allow_unpinned,
    )
    with lean.kserve():
        from predictor.model import Model
        from predictor.server import Server

    Server(Model(loaded), settings).run()
    return 0


if __name__ == "__main__":
    run(main)
