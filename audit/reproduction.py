"""Two artifacts against each other, run as a file in the environment and the checkout that can load both.

    python -P reproduction.py PUBLISHED DIGEST MADE DIGEST TEST.parquet

Prints one line of JSON: how many held-out rows and golden requests were asked, and how the answers differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from artifact import golden, load
from artifact.tolerance import LABELS, TOLERANCE, differing
from artifact.validation.validator import validated_columns


def main() -> None:
    """Let both predict the same rows."""
    published, digest, rebuilt, other, table = sys.argv[1:]
    original, copy = load.load(published, expected_digest=digest), load.load(rebuilt, expected_digest=other)
    golden_file = json.loads((Path(published) / golden.FILE).read_bytes())
    answer: dict[str, Any] = {"epsilon": TOLERANCE}
    for name, rows in (("holdout", _columns(original.signature, Path(table))), ("golden", golden_file["inputs"])):
        columns = validated_columns(original.signature, rows)
        answer[name] = _compared(original.signature, original.runner.predict(columns), copy.runner.predict(columns))
    print(json.dumps(answer))


def _columns(signature: Any, path: Path) -> dict[str, Any]:
    import pyarrow.parquet  # here, so that --help loads no pyarrow

    table = pyarrow.parquet.ParquetFile(path).read(list(signature.names), use_threads=False)
    return {
        feature.name: table.column(feature.name).to_numpy()
        if feature.numeric
        else table.column(feature.name).to_pylist()
        for feature in signature.inputs
    }


def _compared(signature: Any, original: Any, copy: Any) -> dict[str, Any]:
    """Rows; those whose label or number differs beyond epsilon (the first ten); the largest difference of a number."""
    differences = np.empty(0, dtype=np.int64)
    largest = 0.0
    for output in signature.outputs:
        before, now = original.array(output.name), copy.array(output.name)
        differences = np.union1d(differences, differing(output.name, before.tolist(), now.tolist()))
        if output.name not in LABELS:
            largest = max(largest, float(np.max(np.abs(now - before), initial=0.0)))
    return {
        "rows": len(original.values),
        "differing": len(differences),
        "first": differences[:10].tolist(),
        "largest_difference": largest,
    }


if __name__ == "__main__":
    main()
