"""Stage tune: the best parameters of the search in train.tune, by cross-validation inside the training part.

Without a search it says so, and nothing changes. Finished trials are kept in .tune/, so that a search that was killed
goes on; with DASK_SCHEDULER_ADDRESS set, they run on that cluster.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from artifact import digest
from pipeline.params.params import Params, load
from pipeline.params.tune import Tune
from pipeline.shared import code_digests, json_file, paths
from pipeline.shared.best_parameters import SCHEMA_VERSION


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/tuned.json."""
    argparse.ArgumentParser(prog="python -m pipeline tune", description=__doc__).parse_args(argv)
    params = load()
    tune = params.train.search
    value: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "method": "none", "best": {}, "trials": []}
    if tune is None:
        print("train.tune searches nothing")
    else:
        value |= search(params, tune)
        print(f"{len(value['trials'])} trials by {tune.method}, {tune.metric} {value['score']:.6g}: {value['best']}")
    json_file.write(paths.TUNED, value)


def search(params: Params, tune: Tune) -> dict[str, Any]:
    """Run or finish the search; method, metric, best, score and trials of build/tuned.json."""
    # Here: a stage that searches nothing takes no second.
    from pipeline.shared import tables
    from pipeline.training import declared_folds
    from pipeline.training.search import Search, plain
    from pipeline.training.study import Study

    frame, target = tables.read(paths.TRAIN, params)
    parts = declared_folds.of(params, target, tune.folds, tune.seed)
    key = _key(params)
    maximises = params.catalogue[tune.metric].more_is_better
    study = Study(tune, paths.TUNING / f"{key.removeprefix('sha256-')[:16]}.db", key, maximises)
    if study.done:
        print(f"{len(study.done)} trials are there already")
    running = Search(params, tune, study, frame, target, parts)
    trials = running.run()
    best = running.best(trials)
    return {
        "method": tune.method,
        "metric": tune.metric,
        "winner": best.candidate,
        "best": plain(best.values),
        "score": best.score,
        "trials": [
            {
                "candidate": trial.candidate,
                "values": plain(trial.values),
                "round": trial.round,
                "score": trial.score if trial.error is None else None,
                "folds": list(trial.scores) if trial.error is None else [],
                "error": trial.error,
            }
            for trial in trials
        ],
    }


def _key(params: Params) -> str:
    """Digest of all that decides a trial: rows, search, Pipeline, code and lock; not how many workers there are."""
    declared = params.to_dict()
    train = declared["train"] | {
        "tune": {name: value for name, value in declared["train"]["tune"].items() if name != "n_jobs"}
    }
    deciding = {
        "rows": digest.of_file(paths.TRAIN),
        "train": train,
        "metrics": params.deciding_metrics,
        "rest": [params.model.task, declared["schema"], params.data.target, declared["prepare"]["split"]],
        "code": code_digests.digests(code_digests.TRAINING),
        "lock": digest.of_file(paths.PIPELINE_LOCK),
    }
    return digest.of_bytes(digest.canonical_json(deciding))
