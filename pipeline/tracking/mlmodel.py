"""The artifact as a model of MLflow's: an MLmodel beside it, so that notebooks load it by name and alias.

`mlflow.pyfunc.load_model` answers as serving does, through the verified artifact; `mlflow.sklearn.load_model` gives the
Pipeline itself, for frames as scikit-learn takes them. Serving never reads any of it.
"""

from __future__ import annotations

import pickle
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from artifact import digest as digests
from artifact import extras, load, manifest
from artifact.engines.table import MODEL
from artifact.load import Loaded
from artifact.unpickling import unpickle

FOLDER = "model"
_PICKLE = "model.pkl"


def write(folder: Path, artifact: Path) -> None:
    """Make `folder` a model of MLflow's that holds `artifact`, in a folder named by its digest."""
    data = (artifact / manifest.FILE).read_bytes()
    name, described = digests.of_bytes(data), manifest.Manifest.from_bytes(data)
    shutil.copytree(artifact, folder / name)
    # MLflow reads sklearn models by pickle alone, and joblib's file holds arrays beside the pickle.
    model = unpickle.loads((artifact / MODEL).read_bytes())
    (folder / _PICKLE).write_bytes(pickle.dumps(model))
    value: dict[str, Any] = {
        "flavors": {
            "python_function": {"loader_module": __name__, "data": name, "env": "requirements.txt"},
            "sklearn": {
                "pickled_model": _PICKLE,
                "serialization_format": "pickle",
                "sklearn_version": metadata.version("scikit-learn"),
            },
        },
        "metadata": {"model": described.model, "model_digest": name},
        "mlflow_version": metadata.version("mlflow"),
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    # The Pipeline may need an extra that serving does without.
    needed = {library: metadata.version(library) for library in extras.needed_by((artifact / MODEL).read_bytes())}
    libraries = {**needed, **described.libraries}
    pins = "".join(f"{library}=={version}\n" for library, version in sorted(libraries.items()))
    (folder / "requirements.txt").write_text(pins, encoding="utf-8")


class ServedModel:
    """What MLflow calls: answers of the verified artifact, as serving gives them."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded

    def predict(self, model_input: Any, params: Any = None) -> Any:
        """A frame of answers for the rows of a frame: `artifact.load.Loaded.predict`."""
        return self.loaded.predict(model_input)


def _load_pyfunc(path: str) -> ServedModel:
    """The artifact in the folder that is named by the digest that it must have; called by mlflow.pyfunc."""
    return ServedModel(load.load(path, expected_digest=Path(path).name))
