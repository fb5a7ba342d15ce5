"""The parameters to train with: those of params.yaml, replaced by those of the best trial of tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artifact.errors import ConfigurationError
from pipeline.params.messages import near
from pipeline.params.params import Params
from pipeline.params.train import Block, Step
from pipeline.shared import json_file, paths

SCHEMA_VERSION = 1


def read(params: Params) -> Params:
    """`params` with the best parameters of build/tuned.json; ConfigurationError (10) without that file."""
    return with_values(params, tuned()["best"])


def tuned() -> dict[str, Any]:
    """build/tuned.json: method, metric, best, score and each trial."""
    value: dict[str, Any] = json_file.read(paths.TUNED)
    return value


def with_values(params: Params, values: Mapping[str, Any]) -> Params:
    """`params` with `values`, named as scikit-learn's set_params names them, and without the search.

    ConfigurationError (10) for a name that leads nowhere.
    """
    blocks, parameters = params.train.preprocessing, params.train.parameters
    for name, value in sorted(values.items()):
        part, *rest = name.split("__")
        if part == "estimator":
            parameters = _put(parameters, rest, value, name)
        else:
            blocks = _in_blocks(blocks, rest, value, name)
    train = params.train.model_copy(update={"preprocessing": blocks, "parameters": parameters, "tune": None})
    return params.model_copy(update={"train": train})


def _in_blocks(blocks: Mapping[str, Block], words: list[str], value: Any, name: str) -> dict[str, Block]:
    if len(words) < 3 or words[0] not in blocks:
        raise _nowhere(name, "preprocessing__<block>__step1__<parameter>", words[0] if words else "", list(blocks))
    block = blocks[words[0]]
    return {**blocks, words[0]: block.model_copy(update={"steps": _in_steps(block.steps, words[1:], value, name)})}


def _in_steps(steps: Sequence[Step], words: list[str], value: Any, name: str) -> tuple[Step, ...]:
    names = [f"step{number + 1}" for number in range(len(steps))]
    if words[0] not in names:
        raise _nowhere(name, "preprocessing__<block>__step1__<parameter>", words[0], names)
    at = names.index(words[0])
    changed = steps[at].model_copy(update={"parameters": _put(steps[at].parameters, words[1:], value, name)})
    return (*steps[:at], changed, *steps[at + 1 :])


def _put(parameters: Mapping[str, Any], words: list[str], value: Any, name: str) -> dict[str, Any]:
    """`parameters` with `value` under words[0], or, with more words, in the component {<import name>: {…}} under it."""
    key, *rest = words
    if not rest:
        return {**parameters, key: value}
    inner = parameters.get(key)
    if not isinstance(inner, Mapping) or len(inner) != 1:
        raise _nowhere(name, f"a component under {key!r}", key, list(parameters))
    ((component, declared),) = inner.items()
    return {**parameters, key: {component: _put(declared or {}, rest, value, name)}}


def _nowhere(name: str, expected: str, word: str, words: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(
        f"params.yaml: train.tune.space.{name} leads nowhere: expected {expected}{near(word, words)}"
    )
