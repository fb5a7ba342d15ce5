"""Start a model from a table: params.yaml, the data under DVC, its folder in gitops/; then `dvc repro` works."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

_TASKS = ("classification", "regression")  # the others name more than a target: docs/models.md


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, then start: `starter.new_model` loads pandas and scikit-learn, `--help` does not."""
    options = parser().parse_args(argv)
    from starter import new_model

    new_model.start(options)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    words = argparse.ArgumentParser(prog="python -m starter init", description=__doc__)
    add = words.add_argument
    add(
        "--data", required=True, metavar="FILE", help="the table: a file, or a folder of files; docs/data.md says which"
    )
    add("--target", required=True, metavar="COLUMN", help="the column to predict")
    add("--name", required=True, help="the model's name: lowercase letters, digits and '-'")
    add("--task", choices=_TASKS, help="default: classification for text, booleans and few whole numbers")
    add("--time", metavar="COLUMN", help="split by this column of dates or numbers: the latest rows are held out")
    add("--group", metavar="COLUMN", action="append", help="keep the rows of one value on one side; may be repeated")
    add("--test", metavar="FILE", help="the rows to hold out, in a file of their own")
    add("--min-class-rows", type=int, default=1, metavar="N", help="leave out the rows of classes that have fewer")
    add(
        "--keep", metavar="COLUMN", action="append", help="a feature, although it looks as if the answer leaked into it"
    )
    add("--force", action="store_true", help="replace a params.yaml that has uncommitted changes")
    return words
