"""background.json: how an artifact explains its answers, and what its rows are compared with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

import numpy as np

from artifact import strict_json
from artifact.errors import IntegrityError

FILE = "background.json"
LINEAR, TREES = "linear", "trees"
# What a score is: log-odds, or their like of several classes before softmax; a probability; a margin without such a
# meaning; the target's own units, or their logarithm.
LOG_ODDS, PROBABILITY, SCORE, TARGET, LOG = "log-odds", "probability", "score", "target", "log of the target"
SCALES = (LOG_ODDS, PROBABILITY, SCORE, TARGET, LOG)


@dataclass(frozen=True)
class Background:
    """`method`: LINEAR or TREES. `scale`: what the contributions are measured in, one of SCALES. `outputs` names the
    scores. `means`: of each column behind the preprocessing, over the rows trained on; none for trees, which know it.
    """

    method: str
    scale: str
    outputs: tuple[str, ...]
    means: tuple[float, ...] = ()

    def to_bytes(self) -> bytes:
        """The file."""
        value = {
            "method": self.method,
            "scale": self.scale,
            "outputs": list(self.outputs),
            "means": list(self.means),
        }
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote; IntegrityError (20) for anything else."""
        value = strict_json.read(data, FILE)
        try:
            read = cls(value["method"], value["scale"], tuple(value["outputs"]), tuple(value["means"]))
            right = (
                set(value) == {"method", "scale", "outputs", "means"}
                and read.method in (LINEAR, TREES)
                and read.scale in SCALES
                and all(type(name) is str for name in read.outputs)
                and bool(np.isfinite(np.array(read.means, dtype=np.float64)).all())
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"{FILE} is no background: {error!r:.200}") from error
        if not right or not read.outputs:
            raise IntegrityError(f"{FILE} is no background: its method, scale, outputs or means are none")
        return read
