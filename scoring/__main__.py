"""Score a table of any size with a verified artifact: `--uri` or `--artifact`, on disk or on S3.

What is judged and computed is what the predictor judges and computes. A run that was killed goes on where it was when
it is repeated, and ends with the same bytes. With DASK_SCHEDULER_ADDRESS set, the pieces are scored on that cluster.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from artifact import digest
from artifact.command import run
from artifact.errors import UsageError

ROWS = 65_536  # of one piece: some tens of MB as columns, and as much work as outweighs its two small files


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, then score: `scoring.score` loads pyarrow and scikit-learn, `--help` does not."""
    options = parser().parse_args(argv)
    if (options.uri is None) == (options.artifact is None):
        raise UsageError("name one artifact: --uri with what `release status` shows, or --artifact DIR")
    if options.artifact is not None and not options.digest:
        raise UsageError(_without_digest(options.artifact))
    from scoring.score import score

    score(options)


def _without_digest(folder: Path) -> str:
    """What is wrong where a digest was left out, and what to do."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return f"--artifact {folder} holds no artifact: `dvc repro package` writes build/artifact, and says its digest"
    actual = digest.of_file(manifest)
    return (
        f"--artifact needs the digest that it must have: add --digest {actual} if what {folder} holds is what you mean"
    )


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m scoring", description=__doc__)
    add = words.add_argument
    add("--uri", help="a published artifact: its URI, or its release or digest as `release status` shows it")
    add("--artifact", type=Path, metavar="DIR", help="a local artifact instead")
    add("--digest", help="the digest that the local artifact must have")
    add(
        "--input",
        required=True,
        metavar="PATH",
        help="table: a path or s3://bucket/key; docs/data.md says of which kinds",
    )
    add("--output", required=True, metavar="PATH", help="where the answers go: .csv or .parquet, a path or s3://…")
    add("--keep", action="append", default=[], metavar="COLUMN", help="pass this column of the input on to the output")
    add("--missing", action="append", default=[], metavar="TEXT", help="a text of a CSV that stands for no value: NA")
    add("--max-rejected", type=int, metavar="N", help="end with 40 when more rows than N do not fit (default: any)")
    add("--rows", type=int, default=ROWS, help="rows of one piece (%(default)s)")
    add("--restart", action="store_true", help="forget the pieces that an earlier run has finished")
    return words


if __name__ == "__main__":
    run(main)
