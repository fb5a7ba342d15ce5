"""params.yaml as a text with comments, from values: what `init` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.params import json_schema
from pipeline.params.metrics import CATALOGUE, default
from starter.recipe import Recipe
from starter.yaml_lines import entry_of, flow, scalar

TEST_SIZE = 0.25


@dataclass(frozen=True)
class Draft:
    """The values of a first params.yaml, but for the Pipeline and the gate; `schema` maps a column to its entry, the
    target among them. `notes` say of the table what a person should know."""

    name: str
    task: str
    data: Mapping[str, Any]
    schema: Mapping[str, Mapping[str, Any]]
    split: Mapping[str, Any]
    notes: Sequence[str]
    allowed: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by check for leakage


@dataclass(frozen=True)
class Threshold:
    """What the gate asks for, and the lines that say where it comes from."""

    metric: str
    value: float
    reasons: Sequence[str]


_DATA = {
    "path": "versioned by the .dvc file beside it",
    "time": "the column that orders the rows, for a split by time",
    "time_format": "number, or the strptime format of its dates",
    "missing": "texts that stand for a missing number or boolean",
    "drop_missing_target": "rows without a target are left out",
    "min_class_rows": "rows of classes that have fewer are left out",
}


def write(draft: Draft, recipe: Recipe, threshold: Threshold) -> str:
    """The text of params.yaml."""
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
        *[
            f"  {key}: {flow(value)}" + (f"  # {_DATA[key]}" if key in _DATA else "")
            for key, value in draft.data.items()
        ],
    ]
    lines += [
        "",
        "# The columns the model takes, in this order, and the target. nullable: values may be missing.",
        "# Add range: [low, high] or categories: [...] to refuse other values, at training and at serving.",
        *[f"# {note}" for note in draft.notes],
        "schema:",
        *[line for name, entry in draft.schema.items() for line in entry_of(2, name, entry)],
        "",
        "prepare:",
        f"  split: {flow(draft.split)}",
        *([f"  leakage: {flow({'allow': draft.allowed})}"] if draft.allowed else []),
        "",
        "# Import names from scikit-learn and features/, with their own parameters.",
        "train:",
        "  preprocessing:",
    ]
    for name, block in recipe.preprocessing.items():
        lines += [f"    {name}:", *entry_of(6, "columns", block["columns"])]
        lines.append("      steps:" if block["steps"] else "      steps: []")
        for step in block["steps"]:
            for component, parameters in step.items():
                first, *rest = entry_of(10, component, parameters)
                lines += [f"        - {first.lstrip()}", *rest]
    side = "min" if CATALOGUE[threshold.metric].more_is_better else "max"
    compared = default(draft.task, probabilities=True)  # init picks no classifier without them
    lines += [
        f"  estimator: {recipe.estimator}",
        *entry_of(2, "parameters", recipe.parameters),
        "",
        "evaluate:",
        "  bootstrap: {resamples: 1000, confidence: 0.95, seed: 20}",
        "",
        "package:",
        "  golden: 16  # requests with their answers that the predictor repeats before it is ready",
        "",
        "gate:",
        "  thresholds:",
        *[f"    # {line}" for line in threshold.reasons],
        f"    {threshold.metric}: {flow({side: threshold.value})}",
        "  # Whatever is set here, a model passes only where it is better than guessing.",
        "  # What serves now, on the same held-out rows; docs/gate.md has the other rules and their defaults.",
        f"  champion: {flow({'metric': compared, 'margin': CATALOGUE[compared].margin})}",
        "",
        "track:",
        f"  experiment: {scalar(draft.name)}",
    ]
    return "\n".join(lines) + "\n"
