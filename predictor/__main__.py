"""`python -m predictor --model_dir DIR --model_name NAME --expected_digest D`: verify, load, replay, then serve."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from artifact.command import run
from predictor import connection_limit, kserve_import
from predictor.settings import read


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; exit codes 10, 20, 21, 22 and 23 before anything listens."""
    # Imports and loading make many objects and next to no garbage: collections meanwhile took a sixth of the time to
    # the first answer. `Server.run` switches them on.
    gc.disable()
    source, settings = read(argv)
    connection_limit.allow_files(2 * settings.connections)
    with kserve_import.kserve():
        from predictor.model import Model
        from predictor.server import Server

    model = Model(source, settings.explain_rows)
    model.load()
    Server(model, settings).run()
    return 0


if __name__ == "__main__":
    run(main)
