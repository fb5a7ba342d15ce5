"""Stage inputs: one digest for everything that a training depends on, so that equal inputs are recognised anywhere."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from artifact import digest
from pipeline.data.table import data_digest
from pipeline.params.params import Params, load
from pipeline.shared import code_digests, json_file, paths


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/inputs.json and build/order.json."""
    argparse.ArgumentParser(prog="python -m pipeline inputs", description=__doc__).parse_args(argv)
    params = load()
    raw = data_digest(Path(params.data.path))
    inputs = inputs_digest(params, raw)
    json_file.write(paths.INPUTS, {"inputs_digest": inputs, "data_digest": raw})
    # DVC compares mappings without their order, which is that of the model's features and of its blocks; and it knows
    # no key that may be missing, such as the metrics that a search goes by.
    order = {
        "schema": [feature.name for feature in params.features],
        "preprocessing": list(params.train.preprocessing),
        "metrics": params.deciding_metrics,
    }
    json_file.write(paths.ORDER, order)
    print(f"inputs {inputs}, data {raw}")


def inputs_digest(params: Params, raw: str) -> str:
    """Digest of the raw data (`raw`, itself a digest), the values of params.yaml, the code and the locks."""
    locks = {str(path): digest.of_file(path) for path in (paths.SERVING_LOCK, paths.PIPELINE_LOCK, paths.EXTRAS_LOCK)}
    code = code_digests.digests(code_digests.ARTIFACT)
    inputs = {"data": raw, "parameters": params.to_dict(), "code": code, "locks": locks}
    return digest.of_bytes(digest.canonical_json(inputs))
