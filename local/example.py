"""Writes the example's raw data from scikit-learn's own copy: everywhere the bytes that data/iris.csv.dvc names.

python -m local.example data/iris.csv
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m local.example", description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path, metavar="PATH", help="the CSV file to write")
    path: Path = parser.parse_args(argv).path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(iris())


def iris() -> bytes:
    """CSV, 150 rows: four lengths in cm and the species by name; line ends are \\n on every system."""
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    frame = bunch.data
    frame["species"] = bunch.target.map(dict(enumerate(bunch.target_names)))
    return bytes(frame.to_csv(index=False, lineterminator="\n").encode())


if __name__ == "__main__":
    run(main)
