"""What each feature is worth: how far the score falls when its values are shuffled among the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score

from artifact.prediction import Columns, Runner
from artifact.validation.frame import columns

REPEATS = 5
ROWS = 2000  # of the holdout for each shuffle: enough to rank features, whatever its size
CELLS = 2_000_000  # of a table with many columns: fewer rows
FEATURES = 200  # that are shuffled one by one; of more, those in the blocks whose shuffling costs most


def of(
    task: str, model: Any, runner: Runner, holdout: Columns, target: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the fall of accuracy or R², [features] each (Breiman, Random Forests, 2001).

    Where there are many features, blocks of them are shuffled first, the columns of a block by the same order of rows.
    The features of a block whose shuffle costs nothing, and of blocks beyond the costliest, count as worth nothing.
    """
    generator = np.random.default_rng(seed)
    most = min(ROWS, max(100, CELLS // len(holdout)), len(target))
    rows = np.sort(generator.choice(len(target), most, replace=False))
    base, truth = {name: values[rows] for name, values in holdout.items()}, target[rows]
    measure = r2_score if task == "regression" else _share_right

    def score(changed: Columns) -> float:
        prediction = runner.predict({**base, **changed})
        answered = prediction.finite()  # a shuffled row may be one that the model has no answer for
        return float(measure(truth[answered], prediction.values[answered])) if answered.any() else 0.0

    names = list(base)
    looked_at = names if len(names) <= FEATURES else _in_costly_blocks(names, base, score, generator)
    importance = permutation_importance(
        model,
        pd.DataFrame({name: base[name] for name in looked_at}),
        truth,
        scoring=lambda _, table, __: score(columns(table)),
        n_repeats=REPEATS,
        random_state=seed,
    )
    mean, spread = np.zeros(len(names)), np.zeros(len(names))
    places = [names.index(name) for name in looked_at]
    mean[places], spread[places] = importance.importances_mean, importance.importances_std
    return mean, spread


def _share_right(truth: np.ndarray, values: np.ndarray) -> float:
    """Rows with the right label, or with all of several labels right."""
    return float((truth == values).reshape(len(truth), -1).all(axis=1).mean())


def _in_costly_blocks(names: Sequence[str], base: Columns, score: Any, generator: np.random.Generator) -> list[str]:
    """Up to FEATURES names, of the blocks that cost most when all of their columns are shuffled."""
    size = max(1, round(len(names) ** 0.5))
    blocks = [names[first : first + size] for first in range(0, len(names), size)]
    whole = score({})
    costs = []
    for block in blocks:
        order = generator.permutation(len(base[block[0]]))
        costs.append(whole - score({name: base[name][order] for name in block}))
    costly = sorted(range(len(blocks)), key=lambda place: -costs[place])
    chosen = [name for place in costly if costs[place] > 0 for name in blocks[place]][:FEATURES]
    return sorted(chosen or list(blocks[costly[0]]), key=names.index)
