"""What is left to chance: a model with an unseeded part would be another one at each training, and is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator

from artifact.errors import RetrainRefused


def refuse_unseeded(component: Any, where: str) -> None:
    """RetrainRefused (42) naming the first `random_state` inside `component` that is None."""
    for path in _unseeded(component):
        raise RetrainRefused(
            f"params.yaml: {where}: {type(component).__name__} has {path}=None, so that no training could be repeated; "
            f"set {path} to a whole number, such as 20"
        )


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
