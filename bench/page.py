"""`python -m bench.page`: docs/measured/bench.md, and its picture in light and dark, from the JSON of a run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run
from artifact.errors import ConfigurationError
from bench import plot, table
from bench.results import Results

_SAYS = (
    "Bars: requests a second of the predictor as a multiple of KServe's sklearn server, by model and kind of request"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page of one run; ConfigurationError (10) for a file that is no run of both servers."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", default=Path("reports/bench/bench.json"), help="what a run wrote")
    parser.add_argument("--out", type=Path, default=Path("docs/measured"), help="the folder of the page")
    options = parser.parse_args(argv)
    try:
        results = Results.from_dict(json.loads(options.run.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no {options.run}: `make bench` writes it") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{options.run} is no run of the bench ({error!r}); repeat `make bench`") from error
    if not any(row.peer == "ours" for row in results.rows):
        raise ConfigurationError(f"{options.run} measured no requests of ours: run `make bench` without --only")
    plot.draw(results, options.out / "bench.png")
    plot.draw(results, options.out / "bench-dark.png", dark=True)
    (options.out / "bench.md").write_text(text(results), encoding="utf-8")
    return 0


def text(results: Results) -> str:
    """The Markdown: what was run, the picture, and the tables, without what this project aims at."""
    when = f" on {results.machine['date']}" if "date" in results.machine else ""
    return (
        "# The predictor beside KServe's own server\n\n"
        f"One run of `make bench`{when}, which `python -m bench.page` wrote here. Every server got the same model, the "
        "same requests and one core, in the same minutes.\n\n"
        f"![{_SAYS}](bench.png#gh-light-mode-only)\n![{_SAYS}](bench-dark.png#gh-dark-mode-only)\n\n"
        f"{table.summary(results, goals_shown=False)}"
    )


if __name__ == "__main__":
    run(main)
