"""Both models answer the champion's golden requests: which answers change for callers."""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact import golden
from artifact.load import Loaded
from artifact.signature import as_json
from artifact.tolerance import differing

_EXAMPLES = 5


def replayed(champion: Loaded, challenger: Loaded) -> dict[str, Any]:
    """How many answers `changed` (a label, or a regression beyond the tolerance), and the first of them in full.

    `moved` is the largest change of a probability, or of a regression. Both models have the same inputs and outputs.
    """
    signature = challenger.signature
    before, now = champion.runner.predict(champion.sample), challenger.runner.predict(champion.sample)
    changed = differing(signature.outputs[0].name, before.values.tolist(), now.values.tolist())
    pairs = zip(before.arrays, now.arrays, strict=True)
    moves = [float(np.abs(after - array).max()) for array, after in pairs if array.dtype.kind == "f"]
    rows = golden.to_json(signature, champion.sample)
    return {
        "rows": len(before.values),
        "changed": len(changed),
        "moved": max(moves, default=None),
        "examples": [
            {
                "row": {column: values[place] for column, values in rows.items()},
                "champion": before.values[place].tolist() if before.values.ndim > 1 else as_json(before.values[place]),
                "challenger": now.values[place].tolist() if now.values.ndim > 1 else as_json(now.values[place]),
            }
            for place in changed[:_EXAMPLES].tolist()
        ],
    }
