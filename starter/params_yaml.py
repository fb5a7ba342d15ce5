"""params.yaml as a text with comments, from values: what `init` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.params import json_schema
from pipeline.params.metrics import CATALOGUE, default

# What YAML 1.1 and 1.2 both read as this very text; everything else is quoted, as JSON quotes.
_PLAIN = re.compile(r"[^\W\d_][\w./-]*( \(?[^\W\d_][\w./-]*\)?)*")
TEST_SIZE = 0.25
WIDTH = 120
_RESERVED = frozenset("true false null yes no on off y n nan inf".split())


@dataclass(frozen=True)
class Draft:
    """The values of a first params.yaml; `schema` maps a column to its entry, the target among them."""

    name: str
    task: str
    path: str
    target: str
    time: str | None
    missing: tuple[str, ...]
    schema: Mapping[str, Mapping[str, Any]]
    method: str
    seed: int
    preprocessing: Mapping[str, Any]
    estimator: str
    parameters: Mapping[str, Any]


def write(draft: Draft, notes: list[str], metric: str, threshold: float, reason: str) -> str:
    """The text of params.yaml; `notes` say what stayed out of the schema, `reason` where `threshold` comes from."""
    lines = [
        json_schema.COMMENT,
        "# Every value you own, one section a stage. Change one, push, and the stages that depend on it run again.",
        "# Written by `python -m starter init`; yours from here on.",
        "",
        "model:",
        f"  name: {scalar(draft.name)}",
        f"  task: {draft.task}",
        "",
        "data:",
        f"  path: {scalar(draft.path)}  # versioned by the .dvc file beside it",
        f"  target: {scalar(draft.target)}",
        f"  time: {scalar(draft.time)}  # the column that orders the rows, for a split by time",
    ]
    if draft.missing:
        lines.append(f"  missing: {flow(list(draft.missing))}  # texts that stand for a missing number or boolean")
    lines += [
        "",
        "# The columns the model takes, in this order, and the target. nullable: values may be missing.",
        "# Add range: [low, high] or categories: [...] to refuse other values, at training and at serving.",
        *[f"# Left out: {note}" for note in notes],
        "schema:",
        *[line for name, entry in draft.schema.items() for line in entry_of(2, name, entry)],
        "",
        "prepare:",
        f"  split: {flow({'method': draft.method, 'test_size': TEST_SIZE, 'seed': draft.seed})}",
        "",
        "# Import names from scikit-learn and features/, with their own parameters.",
        "train:",
        "  preprocessing:",
    ]
    for name, block in draft.preprocessing.items():
        lines += [f"    {name}:", *entry_of(6, "columns", block["columns"])]
        lines.append("      steps:" if block["steps"] else "      steps: []")
        for step in block["steps"]:
            for component, parameters in step.items():
                first, *rest = entry_of(10, component, parameters)
                lines += [f"        - {first.lstrip()}", *rest]
    compared = default(draft.task, probabilities=True)  # init picks no classifier without them
    lines += [
        f"  estimator: {draft.estimator}",
        *entry_of(2, "parameters", draft.parameters),
        "",
        "evaluate:",
        "  bootstrap: {resamples: 1000, confidence: 0.95, seed: 20}",
        "",
        "package:",
        "  golden: 16  # requests with their answers that the predictor repeats before it is ready",
        "",
        "gate:",
        "  thresholds:",
        *[f"    # {line}" for line in reason.splitlines()],
        f"    {metric}: {flow({'min': threshold})}",
        "  # What serves now, on the same held-out rows; docs/gate.md has the other rules and their defaults.",
        f"  champion: {flow({'metric': compared, 'margin': CATALOGUE[compared].margin})}",
        "",
        "track:",
        f"  experiment: {scalar(draft.name)}",
    ]
    return "\n".join(lines) + "\n"


def entry_of(indent: int, key: str, value: Any) -> list[str]:
    """The lines of one entry: on one line where it fits, else one line an item."""
    margin = " " * indent
    line = f"{margin}{scalar(key)}: {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, Mapping | list | tuple):
        return [line]
    head = f"{margin}{scalar(key)}:"
    if isinstance(value, Mapping):
        return [head, *[inner for name, item in value.items() for inner in entry_of(indent + 2, name, item)]]
    return [head, *[f"{margin}  - {flow(item)}" for item in value]]


def flow(value: Any) -> str:
    """`value` on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """One value; text is quoted where a reader could take it for something else."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)
