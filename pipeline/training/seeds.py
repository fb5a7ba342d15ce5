"""Refuses chance: a model with an unseeded part would come out differently at each training."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import _base as linear
from sklearn.svm import _base as libsvm
from sklearn.utils import check_random_state

from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from artifact.errors import RetrainRefused


def refuse_unseeded(component: Any, setting: str) -> None:
    """RetrainRefused (42) naming the first `random_state` inside `component` that is None."""
    for path in _unseeded(component):
        raise RetrainRefused(
            f"params.yaml: {setting}: {_name(component)} has {path}=None, so that no training could be repeated; "
            f"set {path} to a whole number, such as 20"
        )


def _name(component: Any) -> str:
    return component.kind if isinstance(component, BoostedClassifier | BoostedRegressor) else type(component).__name__


@contextmanager
def refuse_chance() -> Iterator[None]:
    """RetrainRefused (42) where what runs inside draws a random number that no parameter seeds.

    It notices draws from, and seeds of, numpy's and Python's global generators, and `np.random.default_rng()` without a
    seed, in this process. That costs microseconds; to train twice and compare would cost a training.
    """
    before = _global_states()
    unseeded = 0
    real = np.random.default_rng

    def default_rng(seed: Any = None) -> np.random.Generator:
        nonlocal unseeded
        unseeded += seed is None
        return real(seed)

    # A module of features/ may have imported it by name.
    homes = [np.random, *(module for name, module in sys.modules.items() if name.startswith("features."))]
    homes = [home for home in homes if getattr(home, "default_rng", None) is real]
    for home in homes:
        home.default_rng = default_rng  # type: ignore[attr-defined]
    for module in (libsvm, linear):
        module.check_random_state = _seed_that_nothing_draws
    try:
        yield
    finally:
        for module in (libsvm, linear):
            module.check_random_state = check_random_state
        for home in homes:
            home.default_rng = real  # type: ignore[attr-defined]
    changed = [name for name, state in _global_states().items() if state != before[name]]
    if changed or unseeded:
        source = changed[0] if changed else "np.random.default_rng() without a seed"
        raise RetrainRefused(
            f"training drew random numbers from {source}, so that no training could be repeated; give the transformer "
            "or estimator a parameter random_state, draw from np.random.default_rng(self.random_state), and set it in "
            "params.yaml"
        )


def _seed_that_nothing_draws(state: Any) -> np.random.RandomState:
    """libsvm is handed a seed even by SVR, NuSVR and OneClassSVM, which have none and whose solver draws nothing; so is
    the table that SGDOneClassSVM reads, which it shuffles by a seed of its own.

    Whatever could draw has a parameter random_state, and is refused where that is None (`refuse_unseeded`).
    """
    generator: np.random.RandomState = check_random_state(0 if state is None else state)
    return generator


def _global_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {"np.random": (kind, np.asarray(keys).tobytes(), *rest), "the module random": random.getstate()}


def _unseeded(component: Any) -> Iterator[str]:
    if not isinstance(component, BaseEstimator):
        # A splitter, such as KFold, draws only when it shuffles.
        if getattr(component, "random_state", 0) is None and getattr(component, "shuffle", True):
            yield "random_state"
        return
    for name, value in sorted(component.get_params(deep=False).items()):
        if name == "random_state" and value is None:
            yield name
        parts = value if isinstance(value, list | tuple) else [value]
        for part in parts:
            named = part if isinstance(part, list | tuple) else [part]
            for item in named:
                if hasattr(item, "get_params") or hasattr(item, "random_state"):
                    for inner in _unseeded(item):
                        yield f"{name}.{inner}"
