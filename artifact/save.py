"""Write an artifact: all of it under its final name, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifact import digest, environment, golden, manifest, profile
from artifact.decision import Decision
from artifact.engines.engine import Engine, serving
from artifact.engines.table import MODEL, SKLEARN
from artifact.prediction import Columns, lots, together
from artifact.signature import Signature


def save(
    directory: Path,
    *,
    name: str,
    model: bytes,
    engines: Sequence[Engine] = (Engine(SKLEARN, batching=False),),
    files: Mapping[str, bytes] | None = None,
    signature: Signature,
    decision: Decision | None = None,
    weight: str | None = None,
    train: Columns,
    holdout: Columns,
    target: np.ndarray | None = None,
    golden_rows: int,
    data_digest: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    modules: Sequence[str] = (),
    beside: Mapping[str, bytes] | None = None,
) -> str:
    """Make `directory` the artifact of `model` (the bytes joblib.dump wrote) and return its digest.

    It is served by `engines`, from `files` beside model.joblib: the same model in their forms.
    `train` and `holdout` are columns of `artifact.validation`, and may be read one by one: the reference profile of
    inputs comes from the first, that of answers and the golden requests from the second. `target`, [rows of holdout]:
    the labels that a classification should have answered, from which the profile tells how often it is right. `modules`
    are the modules of features/ that the model imports, and `beside` further files that a server hashes and otherwise
    ignores. What stands at `directory` is replaced only when everything is written. `golden_rows` rows of `holdout` are
    recorded with their answers, which every load repeats.

    Raises ConfigurationError (10) for a name that is no RFC 1123 label, and for parameters or metrics that are not
    JSON; IncompatibleError (22) for a module of `modules` that has no source.
    """
    served_from = {MODEL: model, **(files or {})}
    served = serving(engines, served_from, signature, decision)
    answers = together([served.predict(lot) for lot in lots(holdout)])
    right = None if target is None else answers.values == target
    contents = {
        golden.FILE: _readable(golden.make(signature, served, holdout, golden_rows)),
        profile.FILE: _readable(profile.reference(signature, train, answers, right)),
        **served_from,
        **(beside or {}),
    }
    described = manifest.Manifest(
        model=digest.model_name(name),
        engines=tuple(engines),
        files=tuple(manifest.File(path, len(data), digest.of_bytes(data)) for path, data in sorted(contents.items())),
        signature=signature,
        decision=decision,
        weight=weight,
        data_digest=data_digest,
        parameters=parameters,
        metrics=metrics,
        libraries=environment.libraries([engine.name for engine in engines], model),
        features=environment.feature_modules(sorted(modules)),
    )
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path, data in {**contents, manifest.FILE: described.to_bytes()}.items():
        (partial / path).write_bytes(data)
    # Two renames: whenever this is killed, the old artifact or the new one is whole, here or beside.
    old = directory.with_name(directory.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
    partial.rename(directory)
    shutil.rmtree(old, ignore_errors=True)
    return described.digest


def _readable(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"
