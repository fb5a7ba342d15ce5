"""The metrics that evaluate.metrics of params.yaml declares, beside those of the catalogue: docs/models.md."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from artifact.errors import ConfigurationError
from artifact.signature import TASKS
from pipeline.params import answers as rows
from pipeline.params import measures
from pipeline.params.messages import wrong
from pipeline.params.metrics import ABSOLUTE, CATALOGUE, LABELS, LOG, WRONG, Catalogue, Entry, Loss
from pipeline.params.section import OneOf, Section, Share, Text

_NAME = re.compile("[a-z][a-z0-9_]*")
_RESERVED = "rows"  # reports/metrics.json holds their number under this name


class DeclaredMetric(Section):
    """One of three: `f_beta`, in which recall counts that many times as much as precision; `pinball`, the loss of that
    quantile; or `function`, the import name of a function of features/, of which `better` says whether more or less is
    better, and `probabilities` whether it takes them in the place of the answers.
    """

    f_beta: float | None = Field(default=None, gt=0)
    pinball: Share | None = None
    function: Text | None = None
    better: Annotated[str, OneOf(("more", "less"))] | None = None
    probabilities: bool = False


def catalogue(declared: Mapping[str, DeclaredMetric], task: str) -> Catalogue:
    """The catalogue and, after it, the metrics that are `declared`.

    ConfigurationError (10) for a function that features/ does not have.
    """
    return {**CATALOGUE, **{name: _entry(name, metric, task) for name, metric in declared.items()}}


def check_metrics(declared: Mapping[str, DeclaredMetric], task: str) -> None:
    """ConfigurationError (10) for a name that is taken, and for a metric that has no meaning for `task`."""
    for name, metric in declared.items():
        path = f"evaluate.metrics.{name}"
        if _NAME.fullmatch(name) is None or name in CATALOGUE or name == _RESERVED:
            raise wrong(path, name, "a name of small letters, digits and _ that no metric has yet")
        kinds = [kind for kind in ("f_beta", "pinball", "function") if getattr(metric, kind) is not None]
        if len(kinds) != 1:
            raise wrong(path, kinds, "one of f_beta, pinball and function")
        if (metric.function is None) != (metric.better is None):
            expected = "more or less" if metric.better is None else "nothing: only of a function it is not known"
            raise wrong(f"{path}.better", metric.better, expected)
        if metric.probabilities and (metric.function is None or task == "regression"):
            raise wrong(f"{path}.probabilities", True, "nothing: it is for functions, and a regression has none")
        if task not in _entry(name, metric, task).tasks:
            raise wrong(f"{path}.{kinds[0]}", getattr(metric, kinds[0]), f"nothing: it is no metric of a {task}")


def _entry(name: str, metric: DeclaredMetric, task: str) -> Entry:
    if metric.f_beta is not None:
        words = f"precision and recall in one, recall counting {metric.f_beta:g} times"
        return Entry(name, LABELS, words, measures.f_beta(metric.f_beta), WRONG, True, 0.01)
    if metric.pinball is not None:
        loss = Loss("pinball loss", functools.partial(rows.pinball, quantile=metric.pinball))
        words = f"pinball loss of the quantile {metric.pinball:g}, in the target's units"
        return Entry(name, ("regression",), words, measures.mean_of(loss.of), loss, False, None)
    named = str(metric.function)
    of = measures.by_function(_function(f"evaluate.metrics.{name}.function", named), named, metric.probabilities)
    more, chances = metric.better == "more", metric.probabilities
    # The function says nothing of one row, by which slices are judged.
    loss = ABSOLUTE if task == "regression" else LOG if chances else WRONG
    return Entry(name, TASKS, f"function {named}", of, loss, more, None, chances, loss_in_its_units=False)


def _function(path: str, name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    function = None
    if module.startswith("features."):
        try:
            function = getattr(importlib.import_module(module), attribute, None)
        except ImportError as error:
            raise ConfigurationError(
                f"params.yaml: {path}: importing {module} fails: {error}; correct its name"
            ) from error
    if not inspect.isfunction(function):
        raise wrong(path, name, "a function of features/, such as features.<module>.<function>")
    return function
