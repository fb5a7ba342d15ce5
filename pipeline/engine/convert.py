"""Stage convert: the engine that will serve the model, and the proof that it answers as scikit-learn does.

It comes before evaluate, so that what is judged is what serves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from artifact import signature
from artifact.unpickling import unpickle
from pipeline.engine import engines
from pipeline.params.params import load
from pipeline.shared import paths
from pipeline.shared.stored_columns import StoredColumns


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/engine/."""
    argparse.ArgumentParser(prog="python -m pipeline convert", description=__doc__).parse_args(argv)
    params = load()
    data = paths.MODEL.read_bytes()
    model = unpickle.loads(data)
    described = signature.for_model(params.model.task, params.features, params.targets, model)
    train, holdout = (StoredColumns(path, params) for path in (paths.TRAIN, paths.TEST))
    choice = engines.choose(data, model, described, train=train, holdout=holdout)
    choice.write(data)
    print(f"engine {choice.in_words()}")
