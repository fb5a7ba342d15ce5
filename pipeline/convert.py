"""Stage convert: the engine that will serve the model, and the proof that it answers as scikit-learn does.

It comes before evaluate, so that what is judged is what serves.
"""

from __future__ import annotations

if __name__ == "__main__":
    from pipeline import determinism

    determinism.fix()

import argparse
from collections.abc import Sequence

from artifact import signature, unpickle
from artifact.command import run
from artifact.frame import columns
from pipeline import engines, paths, prepared
from pipeline.params import load


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/engine/."""
    argparse.ArgumentParser(prog="python -m pipeline.convert", description=__doc__).parse_args(argv)
    params = load()
    data = paths.MODEL.read_bytes()
    model = unpickle.loads(data)
    described = signature.for_model(params.model.task, params.features, params.target, model)
    train, holdout = (columns(prepared.read(path, params)[0]) for path in (paths.TRAIN, paths.TEST))
    choice = engines.choose(data, model, described, train=train, holdout=holdout)
    choice.write(data)
    print(f"engine {choice.in_words()}")


if __name__ == "__main__":
    run(main)
