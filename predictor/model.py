"""The kserve.Model: `load`, `preprocess`, `predict`, `explain` and `postprocess` are what requests pass through.

REST v1 and v2, CloudEvents and gRPC, the fast path and the slow one call these methods of one Model, so that what a
subclass overrides shows on the wire. `predictor.serving.steps` calls them, admits requests before, and counts them
behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kserve.model import Model as KServeModel

from artifact import load, profile
from artifact.engines.engine import Fallback
from artifact.errors import IncompatibleError
from artifact.explanation import background
from artifact.prediction import Columns, Prediction, Runner
from artifact.validation.validator import Validator
from predictor.errors import NotExplained, TooManyRows
from predictor.observe import start_times
from predictor.protocols import v2
from predictor.protocols.explained import Explained
from predictor.protocols.request import Answer, Decoded, Request, Served
from predictor.serving.batcher import Batcher
from predictor.settings import Source

if TYPE_CHECKING:
    from artifact.attestation.signers import Signers
    from artifact.explanation.explainer import Explainer

DIGEST_HEADER = "x-model-digest"
RELEASE_HEADER = "x-model-release"


class Model(KServeModel):
    """One model. What `load` does not verify never becomes ready, and is never served."""

    def __init__(self, source: Source, explain_rows: int = 0) -> None:
        """`source` names the artifact and the digest that it must have. `explain_rows`: the most rows of one
        request that are explained, 0 for none.
        """
        super().__init__(source.model_name)
        self._source = source
        self._explain_rows = explain_rows
        self.release = source.release

    def load(self) -> bool:
        """Verify the artifact, deserialise it, and replay its golden rows: True, or the error of `artifact.load`."""
        source, begun = self._source, perf_counter()
        age = start_times.process_age()
        verified = load.verify(
            source.model_dir,
            expected_digest=source.expected_digest,
            name=source.model_name,
            allow_unpinned=source.allow_unpinned,
            signers=_signers(source.signers),
        )
        hashed = perf_counter()
        loaded = load.deserialise(verified)
        self.start_seconds = {
            "download": start_times.download_seconds(source.model_dir),
            "import": age,
            "verify": hashed - begun,
            "load": perf_counter() - hashed,
        }
        self.digest, self.signature, self.profile = loaded.digest, loaded.signature, loaded.profile
        self.engine = loaded.manifest.engine
        self.validator = Validator(loaded.signature, profile.frequent(loaded.signature, loaded.profile))
        self.runner = loaded.runner
        # Where a second engine answers rows that the first cannot, the event loop asks the first one alone.
        self._first = loaded.runner.first if isinstance(loaded.runner, Fallback) else loaded.runner
        quick = _Quick(self) if self._first is not loaded.runner else None
        self.batcher = Batcher(self, loaded.sample, batching=loaded.manifest.batching, quick=quick)
        self._served = Served(self.name, self.digest, self.signature)
        self._load_explainer(verified.files, loaded.sample)
        self.ready = True
        return self.ready

    def _load_explainer(self, files: Mapping[str, bytes], sample: Columns) -> None:
        """Load the Pipeline for explanations where the artifact has them; where that is not possible, say why and
        predict.
        """
        self._explainer: Explainer | None = None
        if self._explain_rows == 0:
            self._unexplained = "this server explains no answers: its setting explain_rows is 0"
        elif background.FILE not in files:
            self._unexplained = (
                "this model explains no answers: set package.explain to true in params.yaml, and train it again"
            )
        else:
            from artifact.explanation import explainer  # scikit-learn, which a server of a graph does without

            try:
                new_explainer = explainer.of_artifact(files, self.signature)
                new_explainer.explain({name: values[:1] for name, values in sample.items()})
                self._explainer = new_explainer
            except (IncompatibleError, explainer.NotApplicable) as error:
                self._unexplained = str(error)

    @property
    def explains(self) -> bool:
        """Whether `explain` answers."""
        return self._explainer is not None

    def check_explains(self, count: int = 0) -> None:
        """NotExplained where `explain` does not answer; TooManyRows for more rows than it takes at once."""
        if self._explainer is None:
            raise NotExplained(self._unexplained)
        if count > self._explain_rows:
            raise TooManyRows(
                f"the request has {count} rows to explain, the limit is {self._explain_rows}; send several requests"
            )

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers of every answer that say what it comes from; the release only where Git names one."""
        digest = (DIGEST_HEADER, self.digest)
        return (digest,) if self.release is None else (digest, (RELEASE_HEADER, self.release))

    @property
    def labels(self) -> dict[str, str]:
        """What metrics say of the model."""
        return {
            "model": self.name,
            "digest": self.digest,
            "release": self.release or "",
            "task": self.signature.task,
            "engine": self.engine,
        }

    def preprocess(self, decoded: Decoded, closely: bool = True) -> Request:
        """The validated request, whose `columns` `predict` takes; InvalidRequest says what does not fit.

        Called on the event loop or in a thread. Raises Unplain, unless it may look `closely` at single values: then a
        thread calls it again.
        """
        return decoded.validated(self.validator, closely)

    def predict(self, columns: Columns, quick: bool = False) -> Prediction:
        """The engine's answers for `columns`, [rows] each, of one request or of several that share the call.

        Called on the event loop where that takes little time, else in a thread. `quick`: by the first of two engines
        alone; rows for which that has no finite answer come again without `quick`.
        """
        return (self._first if quick else self.runner).predict(columns)

    def explain(self, columns: Columns) -> Explained:
        """What each feature adds to the scores of `columns`, [rows] each. Called in a thread.

        Raises NotExplained (501) for rows whose shares do not add up to their score.
        """
        assert self._explainer is not None  # check_explains comes first
        try:
            return Explained(self._explainer.explain(columns), self._explainer.background)
        except ValueError as error:
            raise NotExplained(f"{error}; ask for predictions alone") from error

    def postprocess(self, request: Request, prediction: Prediction) -> Answer:
        """The answer to `request` in the form of its protocol."""
        return request.answer(self._served, prediction)

    def metadata(self) -> dict[str, Any]:
        """The v2 metadata: inputs and outputs, and the digest as the one version."""
        return {
            "name": self.name,
            "versions": [self.digest],
            "platform": "sklearn",
            "inputs": self.get_input_types(),
            "outputs": self.get_output_types(),
        }

    def get_input_types(self) -> list[dict[str, Any]]:
        """The inputs as v2 metadata: one tensor a feature, shape [rows]."""
        return [
            {"name": feature.name, "datatype": v2.DATATYPES[feature.dtype], "shape": [-1]}
            for feature in self.signature.inputs
        ]

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs as v2 metadata: shape [rows], or [rows, classes]."""
        return [
            {
                "name": output.name,
                "datatype": v2.DATATYPES[output.dtype],
                "shape": [-1] if output.columns is None else [-1, len(output.columns)],
            }
            for output in self.signature.outputs
        ]


def _signers(path: Path | None) -> Signers | None:
    if path is None:
        return None
    from artifact.attestation import signers  # most predictors ask for no signature

    return signers.read(path)


@dataclass(frozen=True)
class _Quick(Runner):
    """`Model.predict` by the first of two engines."""

    model: Model

    def predict(self, columns: Columns) -> Prediction:
        return self.model.predict(columns, quick=True)
