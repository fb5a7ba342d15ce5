"""The engines that were chosen for a model: stage convert leaves them in build/engine/, later stages use them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from artifact import digest
from artifact.decision import Decision
from artifact.engines.engine import Engine, files, serving
from artifact.engines.table import MODEL, SKLEARN
from artifact.errors import ConfigurationError
from artifact.prediction import Runner
from artifact.signature import Signature
from pipeline.engine.agreement import Agreement
from pipeline.shared import json_file, paths


@dataclass(frozen=True)
class Choice:
    """`engines`: as the manifest will name them. `files`: what they serve from, beside model.joblib. `agreements`: how
    far each engine that was tried agrees with scikit-learn. `refusals`: of each that does not serve, why not.
    """

    engines: tuple[Engine, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The names of the engines, as `artifact.manifest.Manifest.engine` gives them."""
        return "+".join(engine.name for engine in self.engines)

    def runner(self, model: bytes, signature: Signature, decision: Decision | None = None) -> Runner:
        """What serves `model`, the bytes of model.joblib, with this decision: the code that the predictor runs."""
        return serving(self.engines, {MODEL: model, **self.files}, signature, decision)

    def in_words(self) -> str:
        """One line: each engine with how far it is from scikit-learn, and why others do not serve."""
        names = [engine.name for engine in self.engines]
        served = [f"{engine.name}{_limit(engine)}{self._agreement(engine.name)}" for engine in self.engines]
        # Why an engine does not serve is news only where scikit-learn, the slowest, has to.
        refused = [f"not {name}: {why}" for name, why in self.refusals.items() if SKLEARN in names]
        return ", ".join(["; ".join(served), *refused])

    def _agreement(self, name: str) -> str:
        return f": {self.agreements[name].in_words()}" if name in self.agreements else ""

    def write(self, model: bytes) -> None:
        """Make build/engine/ for `model`, the bytes of model.joblib: proof.json, and the files of the engines."""
        folder = paths.PROOF.parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        json_file.write(
            paths.PROOF,
            {
                "model": digest.of_bytes(model),
                "engines": [engine.to_dict() for engine in self.engines],
                "agreements": {name: agreement.to_dict() for name, agreement in self.agreements.items()},
                "refusals": dict(self.refusals),
            },
        )

    @classmethod
    def read(cls, model: bytes) -> Self:
        """From build/engine/; ConfigurationError (10) where it is not there or speaks of another model than `model`."""
        value = json_file.read(paths.PROOF)
        if value["model"] != digest.of_bytes(model):
            raise ConfigurationError(f"{paths.PROOF} speaks of another {paths.MODEL}; make it anew with `dvc repro`")
        engines = tuple(map(Engine.from_dict, value["engines"]))
        names = {name for engine in engines for name in files(engine.name)} - {MODEL}
        return cls(
            engines=engines,
            files={name: (paths.PROOF.parent / name).read_bytes() for name in sorted(names)},
            agreements={name: Agreement.from_dict(agreement) for name, agreement in value["agreements"].items()},
            refusals=value["refusals"],
        )


def _limit(engine: Engine) -> str:
    return "" if engine.most_rows is None else f" up to {engine.most_rows} rows"
