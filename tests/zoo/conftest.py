"""What all models of the zoo share: the tables that are prepared once, and how one is asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.zoo.build import build
from tests.zoo.configuration import Configuration
from tests.zoo.kind import kind_of
from tests.zoo.rows import rows
from tests.zoo.wire import compare, serving

Ask = Callable[[Configuration], None]
_MOST_FINDINGS = 5


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the prepared tables are kept."""
    return tmp_path_factory.mktemp("tables")


@pytest.fixture
def ask(tables: Path, tmp_path: Path, record_property: Callable[[str, object], None]) -> Ask:
    """Build a configuration, serve it, ask it, and fail where an answer is not scikit-learn's."""

    def check(configuration: Configuration) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            built = build(configuration, tmp_path / "zoo", tables)
            columns = rows(built, configuration.table, 7)
        with serving(built, tmp_path / "log") as server:
            findings = compare(server, built, columns)
        line = {
            "estimator": configuration.estimator_name,
            "task": kind_of(built.signature),
            "model": configuration.name,
            "engine": built.engine,
            "rows": findings.rows,
            "without an answer": findings.without_answer,
            "largest difference": findings.largest,
            "beyond": len(findings.beyond),
            "wrong": len(findings.wrong),
            "said": built.output,
        }
        record_property("zoo", line)
        message = [*findings.wrong[:_MOST_FINDINGS], *findings.beyond[:_MOST_FINDINGS]]
        assert not message, f"{len(findings.beyond)} answers beyond the tolerance by {built.engine}:\n" + "\n".join(
            message
        )

    return check
