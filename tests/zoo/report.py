"""What pytest says at its end about the models of the zoo that it ran, whichever processes ran them."""

from __future__ import annotations

from typing import Any

_COLUMNS = (
    "estimator",
    "task",
    "engine",
    "rows",
    "without an answer",
    "largest difference",
    "beyond",
    "wrong",
    "model",
)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a model: estimator and task, its engine, the rows asked over the wire, and how far the answers are from
    scikit-learn's; then how many combinations of estimator and task that were."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [value for report in reports for name, value in report.user_properties if name == "zoo"]
    if not lines or "zoo" not in (terminalreporter.config.option.markexpr or ""):
        return
    terminalreporter.section("the zoo")
    terminalreporter.write_line(" | ".join(_COLUMNS))
    for line in sorted(lines, key=lambda line: (line["task"], line["estimator"], line["model"])):
        text = [f"{line[name]:.1e}" if isinstance(line[name], float) else str(line[name]) for name in _COLUMNS]
        terminalreporter.write_line(" | ".join(text))
    engines = sorted({line["engine"] for line in lines})
    counts = ", ".join(f"{sum(line['engine'] == name for line in lines)} by {name}" for name in engines)
    combinations = {(line["estimator"], line["task"]) for line in lines}
    terminalreporter.write_line(
        f"{len(combinations)} combinations of estimator and task in {len(lines)} models, {counts}; "
        f"{sum(line['rows'] for line in lines)} rows, largest difference "
        f"{max(line['largest difference'] for line in lines):.1e}, {sum(line['beyond'] for line in lines)} beyond"
    )
