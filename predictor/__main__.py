"""`python -m predictor --model_dir DIR --model_name NAME --expected_digest D`: verify, load, replay, then serve."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from artifact.command import run
from predictor import kserve_import, processes
from predictor.settings import read


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped, in one process or several; exit codes 10, 20, 21, 22 and 23 before anything listens."""
    source, settings = read(argv)
    worker = processes.worker_setup()
    if worker is not None:
        processes.end_with_parent(worker.parent)
    elif settings.workers > 1:
        return processes.run(sys.argv[1:] if argv is None else argv, settings)
    with kserve_import.kserve():  # not in the parent of workers, which does nothing else
        from predictor.model import Model
        from predictor.server import Server

    model = Model(source)
    model.load()
    Server(model, settings, worker).run()
    return 0


if __name__ == "__main__":
    run(main)
