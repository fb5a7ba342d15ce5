"""Write an artifact: all of it under its final name, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from artifact import digest, engine, environment, golden, manifest, profile, unpickle
from artifact.signature import Signature

MODEL = "model.joblib"


def save(
    directory: Path,
    *,
    name: str,
    model: bytes,
    signature: Signature,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    golden_rows: int,
    data_digest: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    modules: Sequence[str] = (),
) -> str:
    """Make `directory` the artifact of `model` (the bytes joblib.dump wrote) and return its digest.

    `train` and `holdout` are frames of `artifact.validation` ([rows, features]): the reference profile comes from the
    first, the golden requests from the second. `modules` are the modules of features/ that the model imports. What
    stands at `directory` is replaced only when everything is written.
    """
    runner = engine.runner(engine.SKLEARN, unpickle.loads(model), signature)
    contents = {
        golden.FILE: _readable(golden.make(signature, runner, holdout, golden_rows)),
        MODEL: model,
        profile.FILE: _readable(profile.reference(signature, train, runner.predict(train))),
    }
    written = manifest.Manifest(
        model=digest.model_name(name),
        engine=engine.SKLEARN,
        files=tuple(manifest.File(path, len(data), digest.of_bytes(data)) for path, data in sorted(contents.items())),
        signature=signature,
        data_digest=data_digest,
        parameters=parameters,
        metrics=metrics,
        libraries=environment.libraries(),
        features=environment.feature_modules(sorted(modules)),
    )
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path, data in {**contents, manifest.FILE: written.to_bytes()}.items():
        (partial / path).write_bytes(data)
    if directory.exists():
        shutil.rmtree(directory)
    partial.rename(directory)
    return written.digest


def _readable(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"
