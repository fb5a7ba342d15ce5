"""What the model answers without any server: plain scikit-learn on the bytes of an artifact's folder.

    python -m local.offline FOLDER < request.json        ({"columns": [name, …], "rows": [[…], …]})

A process of its own, so that it computes in the same environment as the predictor it is compared with.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run


def main(argv: Sequence[str] | None = None) -> None:
    """Prints {"labels": [rows], "probabilities": [rows][classes]}."""
    parser = argparse.ArgumentParser(prog="python -m local.offline", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(argv).folder
    asked = json.load(sys.stdin)

    import joblib
    import pandas as pd

    model = joblib.load(folder / "model.joblib")
    frame = pd.DataFrame(asked["rows"], columns=asked["columns"])
    print(json.dumps({"labels": model.predict(frame).tolist(), "probabilities": model.predict_proba(frame).tolist()}))


if __name__ == "__main__":
    run(main)
