"""What the model answers without any server: the artifact's own engine, or plain scikit-learn, on a folder's bytes.

    python -m local.offline FOLDER ENGINE < request.json        ({"columns": [name, …], "rows": [[…], …]})

A process of its own, so that it computes in the same environment as the predictor it is compared with.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifact.command import run


def main(argv: Sequence[str] | None = None) -> None:
    """Prints {"labels": [rows], "probabilities": [rows][classes]}."""
    parser = argparse.ArgumentParser(prog="python -m local.offline", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("engine", choices=("artifact", "sklearn"))
    options = parser.parse_args(argv)
    request = json.load(sys.stdin)
    answer = _artifact if options.engine == "artifact" else _sklearn
    labels, probabilities = answer(options.folder, request["columns"], request["rows"])
    print(json.dumps({"labels": labels.tolist(), "probabilities": probabilities.tolist()}))


def _artifact(folder: Path, names: Sequence[str], rows: Sequence[Sequence[float]]) -> tuple[Any, Any]:
    from artifact.load import load
    from artifact.validation.validator import Validator

    model = load(folder, expected_digest=folder.name)  # the demo names the folder as Git names the artifact
    columns = {name: [row[position] for row in rows] for position, name in enumerate(names)}
    prediction = model.runner.predict(Validator(model.signature).columns(columns))
    return prediction.values, prediction.probabilities


def _sklearn(folder: Path, names: Sequence[str], rows: Sequence[Sequence[float]]) -> tuple[Any, Any]:
    import joblib
    import pandas as pd

    model = joblib.load(folder / "model.joblib")
    frame = pd.DataFrame(rows, columns=list(names))
    return model.predict(frame), model.predict_proba(frame)


if __name__ == "__main__":
    run(main)
