"""What pytest says at its end about the models of the zoo that it ran, whichever processes ran them."""

from __future__ import annotations

from typing import Any

_COLUMNS = ("model", "engine", "rows", "without an answer", "largest difference", "beyond", "wrong")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a model: its engine, the rows asked, and how far the answers are from scikit-learn's."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [value for report in reports for name, value in report.user_properties if name == "zoo"]
    if not lines or "zoo" not in (terminalreporter.config.option.markexpr or ""):
        return
    terminalreporter.section("the zoo")
    for line in lines:
        shown = [f"{line[name]:.1e}" if isinstance(line[name], float) else str(line[name]) for name in _COLUMNS]
        terminalreporter.write_line(" | ".join(shown))
    engines = sorted({line["engine"] for line in lines})
    counted = ", ".join(f"{sum(line['engine'] == name for line in lines)} by {name}" for name in engines)
    terminalreporter.write_line(
        f"{len(lines)} models, {counted}; {sum(line['rows'] for line in lines)} rows, largest difference "
        f"{max(line['largest difference'] for line in lines):.1e}, {sum(line['beyond'] for line in lines)} beyond"
    )
