"""The Markdown a run ends in: ratios by request, cold start and memory, the goals, the machine; then every number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench import goals
from bench.goals import Outcome
from bench.kinds import KINDS
from bench.peers import BASE, PEERS
from bench.results import Results, Row
from pipeline.shared import markdown

_OTHERS = [name for name in PEERS if name not in (BASE, "ours")]
_NOTE = """How to read it:

- **×**: requests a second, as a multiple of KServe's sklearn server in the same run. 1/n: ours is n times as small.
- **CPU µs**: CPU time of the server for one request. **p99**: the time within which 99 of 100 requests were answered.
- **fast path**: the share of our requests that the fast path answered, by our server's own count.
- **◊**: the client was the limit (its core over 90 % busy, the server's under), so that the server can do more; its CPU
  time says how much.
- **≈**: other processes had over a tenth of the server's core. CPU time suffers least from that.
- **…**: less than one answer a connection, too few for a number. **!**: requests failed while they were timed."""

_REQUESTED_OUTPUTS = {
    True: "Every server answers labels alone; our v2 requests name them as the output they want.",
    False: "v2 and gRPC: ours answers labels and probabilities, its peers labels alone. v1: labels alone, all of them.",
}


def summary(results: Results, goals_shown: bool = True) -> str:
    """What goes to standard output; the page for readers leaves out what this project aims at."""
    sought = goals.outcomes(results) if goals_shown else []
    parts = [_machine(results)]
    if results.rows:
        parts += [_ratios(results, sought), _NOTE, _REQUESTED_OUTPUTS[bool(results.machine.get("labels_only"))]]
    if results.starts:
        parts.append(_by_model("cold start, s", results, sought, results.seconds, "start", "{:.2f}", 1))
    if results.residents:
        parts.append(_by_model("memory (PSS), MB", results, sought, results.bytes, "memory", "{:.0f}", 1e6))
    if results.refused:
        parts.append("Not timed, as the answer was not right:\n\n" + "\n".join(f"- {line}" for line in results.refused))
    if sought:
        reached = sum(outcome.mark != "✗" for outcome in sought)
        parts.append(f"Goals: {reached} of the {len(sought)} measured are reached.")
    return "\n\n".join(parts) + "\n"


def details(results: Results) -> str:
    """Every number of every server."""
    head = ["model", "request", "connections", "server", "req/s", "p50 ms", "p99 ms", "CPU µs/req"]
    head += ["server busy", "client busy", "others", "requests", "failed", "fast path"]
    lines = [
        [
            row.model,
            KINDS[row.kind].title,
            row.connections,
            PEERS[row.peer].title,
            f"{row.rate:,.0f}" + _marks(row),
            f"{row.p50 * 1e3:.2f}",
            f"{row.p99 * 1e3:.2f}",
            f"{row.cpu * 1e6:,.0f}",
            f"{row.server_busy:.0%}",
            f"{row.client_busy:.0%}",
            f"{row.foreign_busy:.0%}",
            row.requests,
            row.failures,
            _share(row),
        ]
        for row in results.rows
    ]
    return _table(head, lines) + "\n"


def _ratios(results: Results, sought: Sequence[Outcome]) -> str:
    head = ["model", "request", "conn.", "KServe req/s", "KServe CPU µs", "KServe p99 ms"]
    head += ["**ours**", "ours CPU µs", "ours CPU", "ours p99", "fast path"]
    head += [*(PEERS[name].title for name in _OTHERS), "goal", "", "goal p99", ""]
    lines = []
    for model, kind, connections in dict.fromkeys((row.model, row.kind, row.connections) for row in results.rows):
        base, ours = (results.row(model, kind, connections, name) for name in (BASE, "ours"))
        line = [model, KINDS[kind].title, connections]
        if base:
            line += [f"{base.rate:,.0f}{_marks(base)}", f"{base.cpu * 1e6:,.0f}", f"{base.p99 * 1e3:.2f}"]
        else:
            line += ["", "", ""]
        line += [_rate(results, ours, bold=True), f"{ours.cpu * 1e6:,.0f}" if ours else ""]
        for measure in ("cpu", "p99"):
            ratio = results.ratio(measure, model, kind, connections)
            line.append(_less(ratio))
        line.append(_share(ours))
        line += [_rate(results, results.row(model, kind, connections, name)) for name in _OTHERS]
        for measure in ("throughput", "p99"):
            line += _goal(sought, measure, model, kind, connections)
        lines.append(line)
    return _table(head, lines)


def _goal(sought: Sequence[Outcome], measure: str, model: str, kind: str = "", connections: int = 0) -> list[str]:
    """The goal of one number and what became of it, two cells; empty ones where it has none."""
    key = (measure, model, kind, connections)
    for outcome in sought:
        if (outcome.goal.measure, outcome.model, outcome.kind, outcome.connections) == key:
            return [outcome.goal.text, outcome.mark]
    return ["", ""]


def _rate(results: Results, row: Row | None, bold: bool = False) -> str:
    """The ratio to KServe's server, or the plain rate where that was not measured."""
    if row is None:
        return ""
    ratio = results.ratio("throughput", row.model, row.kind, row.connections, row.peer)
    text = (f"{row.rate:,.0f}/s" if ratio is None else f"{ratio:.1f}×") + _marks(row)
    return f"**{text}**" if bold else text


def _share(row: Row | None) -> str:
    return "" if row is None or row.fast is None else f"{row.fast:.0%}"


def _less(ratio: float | None) -> str:
    """A ratio of which less is better."""
    return "" if ratio is None else f"1/{1 / ratio:.1f}" if 0 < ratio < 1 else f"{ratio:.1f}×"


def _marks(row: Row) -> str:
    marks = {"◊": row.client_limited, "≈": row.disturbed, "…": row.rough, "!": row.failures}
    return "".join(f" {mark}" for mark, holds in marks.items() if holds)


def _by_model(
    title: str,
    results: Results,
    sought: Sequence[Outcome],
    values: Callable[[str], dict[str, float]],
    measure: str,
    form: str,
    unit: float,
) -> str:
    names = [name for name in PEERS if values(name)]
    lines = []
    for model in dict.fromkeys(model for name in names for model in values(name)):
        ratio = results.ratio(measure, model, "", 0)
        numbers = [values(name).get(model) for name in names]
        line = [model, *("" if value is None else form.format(value / unit) for value in numbers)]
        line.append(_less(ratio))
        line += _goal(sought, measure, model)
        lines.append(line)
    return _table([title, *(PEERS[name].title for name in names), "ours to KServe", "goal", ""], lines)


def _machine(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    engines = ", ".join(f"{model}: {engine}" for model, engine in results.engines.items())
    cores = f"{machine['cores']} cores ({machine['cpu']}, Linux {machine['kernel']})"
    same_core = machine["server_core"] == machine["client_core"]
    pinned = "server and client share one core" if same_core else "server pinned to one core, client to another"
    return (
        f"{cores}; {pinned}; one worker each; request logs {machine['request_logs']}; "
        f"load average before the run {machine['load_average']}.\n{versions}. Our engines: {engines or '–'}."
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; columns that are empty on every line are left out."""
    filled = [column for column in range(len(head)) if any(line[column] != "" for line in lines)]
    cells = [[str(line[column]) for column in filled] for line in (head, *lines)]
    return "\n".join(markdown.table(cells[0], cells[1:])[:-1])
