"""`python -m bench`: our predictor beside KServe's sklearn server, MLServer, FastAPI and an ASGI echo, in one call."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from artifact.command import run
from artifact.errors import ConfigurationError
from bench import alone, cores, environments, machine, measure, plan, plot, table
from bench.examples import EXAMPLES
from bench.kinds import KINDS
from bench.package import Packaged, package
from bench.peers import PEERS, Site
from bench.plan import Cell, Plan
from bench.results import Results
from bench.server import Server

_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table; 1 when our own server answered wrongly or failed a request, whatever its speed."""
    options = _parser().parse_args(argv)
    schedule = plan.make(options.quick, options.only, options.rounds, options.seconds)
    environments.clients(schedule.clients)
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(f"another bench runs in {work}; two at once would measure each other") from error
        arguments = tuple(shlex.split(options.predictor_arguments))
        site = Site(work, options.logging == "default", arguments, options.labels_only)
        results = _measure(schedule, site)
    options.output.mkdir(parents=True, exist_ok=True)
    text = table.summary(results)
    (options.output / "bench.md").write_text(f"{text}\n{table.details(results)}" if results.rows else text)
    (options.output / "bench.json").write_text(json.dumps(results.to_dict(), indent=1) + "\n")
    plot.draw(results, options.output / "bench.png")
    print(text, end="")
    print(f"wrote {options.output}/bench.md, .json and, with ratios, .png", file=sys.stderr)
    ours = [row for row in results.rows if row.peer == "ours" and row.failures]
    return _FAILED if ours or any(line.startswith(PEERS["ours"].title) for line in results.refused) else 0


def _measure(schedule: Plan, site: Site) -> Results:
    pinned = cores.choose()
    results = Results(machine.describe(site, schedule, pinned))
    os.sched_setaffinity(0, {pinned.client})
    for name in schedule.models:
        print(f"{name}: packaging", file=sys.stderr, flush=True)
        model = package(name, EXAMPLES[name](), site.work / "models")
        results.engines[name] = model.engine
        cells = [cell for cell in schedule.cells if cell.model == name]
        if cells:
            _load(schedule, cells, model, site, pinned, results)
        if "alone" in schedule.phases:
            peers = [PEERS[peer] for peer in schedule.peers if not PEERS[peer].echoes]
            starts, residents = alone.measure(model, peers, site, pinned, schedule.starts, warm=bool(cells))
            results.starts += starts
            results.residents += residents
    return results


def _load(
    schedule: Plan, cells: Sequence[Cell], model: Packaged, site: Site, pinned: cores.Cores, results: Results
) -> None:
    with ExitStack() as stack:
        servers = []
        for name in schedule.peers:
            server = stack.enter_context(Server(PEERS[name], model, site, pinned.server, "load"))
            server.wait(KINDS["v2-1" if "v2" in server.peer.protocols else "v1-1"])
            servers.append(server)
        for cell in cells:
            speaking = [server for server in servers if cell.kind.protocol in server.peer.protocols]
            rows, faults = measure.cell(schedule, cell, speaking, pinned)
            results.rows += rows
            results.refused += [line for line in faults if line not in results.refused]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what the goals are about, in about two minutes")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="keep only this model, kind of request, server, phase (load, alone) or count (c8); repeatable",
    )
    parser.add_argument("--rounds", type=int, help="windows a server and row (default 3, quick 2; fewer for many rows)")
    parser.add_argument("--seconds", type=int, help="length of a window, at least (default 1)")
    parser.add_argument(
        "--logging", choices=("default", "off"), default="default", help="request logs as each server ships, or off"
    )
    parser.add_argument(
        "--labels-only",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="ask ours for labels alone, which is all that its peers answer (default), or for probabilities as well",
    )
    parser.add_argument("--predictor-arguments", default="", metavar="TEXT", help="more arguments for our predictor")
    parser.add_argument("--output", type=Path, default=Path("reports/bench"), help="where the report goes")
    parser.add_argument("--work", type=Path, default=Path(".bench"), help="environments, models and logs")
    return parser


if __name__ == "__main__":
    run(main)
