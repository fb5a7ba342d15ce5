"""Stage package: write the artifact, and prove that it loads with what the image has before it gets its name."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from artifact import extras, save, signature
from artifact.environment import LIBRARIES
from artifact.errors import IncompatibleError, kind
from artifact.explanation import background
from artifact.signature import Signature
from artifact.unpickling import unpickle
from pipeline.engine.choice import Choice
from pipeline.packaging import explaining, lock, proof, training_rows
from pipeline.params.params import Params, json_values, load
from pipeline.shared import best_parameters, decision_file, json_file, paths, tables
from pipeline.shared.stored_columns import StoredColumns

_SECONDS = 600


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/artifact/."""
    argparse.ArgumentParser(prog="python -m pipeline package", description=__doc__).parse_args(argv)
    params = best_parameters.read(load())
    lock.check_installed(paths.SERVING_LOCK, LIBRARIES)
    unproved = paths.ARTIFACT.with_name("unproved")
    try:
        modules = _modules(params)
        digest = _save(params, unproved, modules)
        needed = prove(unproved, params.model.name, digest)
        if needed != modules:  # a module that only an edge case loads is one the manifest must name, too
            digest = _save(params, unproved, needed)
            prove(unproved, params.model.name, digest)
        shutil.rmtree(paths.ARTIFACT, ignore_errors=True)
        unproved.rename(paths.ARTIFACT)
    finally:
        shutil.rmtree(unproved, ignore_errors=True)
    print(f"{params.model.name} {digest}: {paths.ARTIFACT}, answers repeated with the serving lock alone")


def _modules(params: Params) -> list[str]:
    """Modules of features/ that are here once the model has predicted; nothing else in this process imports any."""
    model = unpickle.loads(paths.MODEL.read_bytes())
    for lot in StoredColumns(paths.TEST, params).lots():
        model.predict(pd.DataFrame(lot))
    return sorted(name for name in sys.modules if name.partition(".")[0] == "features")


def _save(params: Params, directory: Path, modules: Sequence[str]) -> str:
    data = paths.MODEL.read_bytes()
    model = unpickle.loads(data)
    train, test = StoredColumns(paths.TRAIN, params), StoredColumns(paths.TEST, params)
    described = signature.for_model(params.model.task, params.features, params.targets, model)
    choice = Choice.read(data)
    print(f"engine {choice.in_words()}")
    measured = json_file.read(paths.METRICS)
    return save.save(
        directory,
        name=params.model.name,
        model=data,
        engines=choice.engines,
        files=choice.files,
        signature=described,
        decision=decision_file.read(described),
        weight=params.data.weight,
        train=train,
        holdout=test,
        target=tables.read_target(paths.TEST, params) if params.model.task == "classification" else None,
        golden_rows=params.package.golden,
        data_digest=json_file.read(paths.PREPARED)["data_digest"],
        parameters=parameters(params),
        metrics={
            name: entry["value"]
            for name, entry in measured.items()
            if isinstance(entry, dict) and entry["value"] is not None
        },
        modules=modules,
        beside=_beside(params, model, described, train, test),
    )


def _beside(
    params: Params, model: Any, described: Signature, train: StoredColumns, test: StoredColumns
) -> dict[str, bytes]:
    """The files beside those of the engines: hashes of the training rows, and what explains answers, if params.yaml
    asks.
    """
    beside = {training_rows.FILE: training_rows.TrainingRows.of(train).to_bytes()}
    if params.package.explain:
        explanation = explaining.background_of(model, described, train, test)
        beside[background.FILE] = explanation.to_bytes()
        print(f"explains its answers: {explanation.method}, {explanation.scale} of {', '.join(explanation.outputs)}")
    return beside


def parameters(params: Params) -> dict[str, Any]:
    """What made the model, for its manifest: the split, the Pipeline, and how the cells of the file were written, where
    that has to be said; not how many workers fitted it."""
    cells = {"cells": params.cells.to_dict()} if params.cells.to_dict() else {}
    values = json_values({"split": params.prepare.split.to_dict(), "train": params.train.to_dict(), **cells})
    return {key: _without_n_jobs(value) for key, value in values.items()}


def _without_n_jobs(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_n_jobs(item) for key, item in value.items() if str(key).rpartition("__")[2] != "n_jobs"}
    return [_without_n_jobs(item) for item in value] if isinstance(value, list | tuple) else value


def prove(directory: Path, name: str, digest: str) -> list[str]:
    """Load the artifact in `directory` and replay its answers in a process that has only what the image has.

    Returns the modules of features/ that this took. Raises IncompatibleError (22) with the name of the module that the
    model needs beyond that; whatever else loading raises comes back as itself.
    """
    locked = {**lock.pins(paths.SERVING_LOCK), **lock.pins(paths.EXTRAS_LOCK)}
    with tempfile.TemporaryDirectory(prefix="modelpin-proof-") as folder:
        home = Path(folder)
        for package in proof.OURS:
            shutil.copytree(package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
        request = {
            "home": folder,
            "artifact": str(directory.resolve()),
            "digest": digest,
            "name": name,
            "modules": sorted(lock.modules(set(locked))),
        }
        command = [sys.executable, "-I", str(Path(proof.__file__).resolve())]
        text = json.dumps(request)
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, cwd=folder, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise IncompatibleError(
                f"loading the artifact took more than {_SECONDS} s; make the model smaller"
            ) from error
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise IncompatibleError(
            f"loading the artifact ended with {done.returncode}: {' '.join(done.stderr.split())[-300:]}; "
            "mend what features/ does when it is imported"
        )
    answer = json.loads(lines[-1])
    if "refused" in answer:
        raise _needs_more(answer["refused"], answer["importer"])
    if "message" in answer:
        problem = f"the artifact does not load with {paths.SERVING_LOCK} alone: {answer['message']}"
        raise kind(int(answer["code"]), IncompatibleError)(problem)
    return list(answer["modules"])


def _needs_more(module: str, importer: str) -> IncompatibleError:
    if module in extras.EXTRAS:
        return IncompatibleError(
            f"the model needs the extra {module}, which {extras.CHOSEN} does not name, so that no predictor could load "
            f"it: {extras.remedy([*extras.chosen(), module])}"
        )
    owners = metadata.packages_distributions().get(module)
    needed = f"{module!r} (distribution {owners[0]})" if owners else repr(module)
    name = owners[0] if owners else module
    return IncompatibleError(
        f"{importer} imports {needed}, which {paths.SERVING_LOCK} does not hold; the predictor could not load it: "
        f"do without it, or add {name} to {paths.SERVING_LOCK.with_suffix('.in')} and run `make lock`"
    )
