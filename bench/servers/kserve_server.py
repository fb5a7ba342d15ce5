"""KServe's sklearn server, made again from its documented parts: the package `sklearnserver` is in no registry.

Behaves as python/sklearnserver of kserve/kserve does: one model file in the folder, the input decoded and the answer
made by KServe's own helpers, `predict` called on the event loop, any failure an InferenceError. Two things are left
out, both to this peer's advantage in a cold start: its storage module (the model is on disk) and its model repository.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import joblib
import kserve
from kserve import logging, model_server
from kserve.errors import InferenceError, ModelMissingError
from kserve.protocol.infer_type import InferRequest, InferResponse
from kserve.utils.utils import get_predict_input, get_predict_response

_SUFFIXES = (".joblib", ".pkl", ".pickle")


class SklearnModel(kserve.Model):
    """One scikit-learn model under a name."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self._folder = folder
        self._model: Any = None

    def load(self) -> bool:
        """Read the one model file of the folder."""
        files = [path for path in self._folder.iterdir() if path.is_file() and path.suffix in _SUFFIXES]
        if not files:
            raise ModelMissingError(self._folder)
        if len(files) > 1:
            raise RuntimeError(f"more than one model file: {files}")
        self._model = joblib.load(files[0])
        self.ready = True
        return self.ready

    def predict(
        self, payload: dict[str, Any] | InferRequest, headers: dict[str, str] | None = None
    ) -> dict[str, Any] | InferResponse:
        """The labels, or the probabilities where PREDICT_PROBA is true."""
        try:
            rows = get_predict_input(payload)
            probabilities = os.environ.get("PREDICT_PROBA", "false").lower() == "true"
            if probabilities and hasattr(self._model, "predict_proba"):
                result = self._model.predict_proba(rows)
            else:
                result = self._model.predict(rows)
            return get_predict_response(payload, result, self.name)
        except Exception as error:
            raise InferenceError(str(error)) from error


def main() -> None:
    """KServe's own arguments and these two, as its servers have them."""
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--model_dir", type=Path, required=True)
    options, _ = parser.parse_known_args()
    if options.configure_logging:
        logging.configure_logging(options.log_config_file)
    model = SklearnModel(options.model_name, options.model_dir)
    model.load()
    kserve.ModelServer().start([model])


if __name__ == "__main__":
    main()
