"""The rows of a query become a file under DVC: typed, whole, the same bytes for the same rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from artifact.errors import ConfigurationError, DataContractError, StorageError, UsageError
from starter import query
from tests.pipeline.repository import Repository

SQL = "SELECT id, amount, city, paid FROM orders ORDER BY id;\n"


@pytest.fixture
def shop(fresh: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with a database of 9 orders beside it and a query in it, as the working directory."""
    database = fresh.path.parent / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, amount NUMERIC, city TEXT, paid TEXT)")
        rows = [
            (number, number if number < 5 else number / 2, "Oslo" if number % 2 else None, None) for number in range(9)
        ]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    (fresh.path / "orders.sql").write_text(SQL)
    monkeypatch.chdir(fresh.path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setattr(query, "ROWS", 4)
    return fresh


OPTIONS = ["--sql", "orders.sql", "--out", "data/orders.parquet"]


def test_a_query_becomes_a_file_under_dvc(shop: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """In pieces, with the type that all values of a column have; again, it is the same file to the byte."""
    query.main(OPTIONS)
    assert "data/orders.parquet: 9 rows of orders.sql, under DVC" in capsys.readouterr().out
    table = pq.read_table("data/orders.parquet")
    assert [str(field.type) for field in table.schema] == ["int64", "double", "string", "null"]
    assert table.column("amount").to_pylist() == [0, 1, 2, 3, 4, 2.5, 3, 3.5, 4]
    assert table.column("city").to_pylist() == [None, "Oslo"] * 4 + [None]
    assert sorted(path.name for path in Path("data").iterdir() if "orders" in path.name) == [
        "orders.parquet",
        "orders.parquet.dvc",
    ]
    first = Path("data/orders.parquet").read_bytes(), Path("data/orders.parquet.dvc").read_bytes()
    query.main(OPTIONS)
    assert first == (Path("data/orders.parquet").read_bytes(), Path("data/orders.parquet.dvc").read_bytes())


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("SELECT price FROM orders", StorageError, "no such column: price"),
        ("SELECT id, id FROM orders", DataContractError, "a column twice: id, id; name each with AS"),
        ("SELECT id FROM orders WHERE id > 99", DataContractError, "the query gives no row"),
        ("SELECT CASE WHEN id < 5 THEN id ELSE city END AS x FROM orders", DataContractError, "two types"),
        ("SELECT CAST(city AS BLOB) AS x FROM orders", DataContractError, "'x' holds bytes"),
        (" ;", ConfigurationError, "orders.sql is empty"),
    ],
)
def test_a_query_that_gives_no_table_changes_nothing(
    shop: Repository, sql: str, error: type[Exception], words: str
) -> None:
    """What is wrong is named, the file of an earlier query stays, and nothing is left beside it."""
    before = sorted(Path("data").iterdir())
    Path("orders.sql").write_text(sql)
    with pytest.raises(error, match=words):
        query.main(OPTIONS)
    assert sorted(Path("data").iterdir()) == before


def test_a_database_that_is_not_there_is_named(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its password: the address is an environment variable's, and no message repeats it."""
    with pytest.raises(UsageError, match="has to end in"):
        query.main([*OPTIONS[:-1], "data/orders.csv"])
    for address, words in (
        ("", "DATABASE_URL is not set"),
        ("no url:hunter2", "is no URL of SQLAlchemy"),
        ("nosuch://u:hunter2@h/d", "is no URL of SQLAlchemy"),
    ):
        monkeypatch.setenv("DATABASE_URL", address)
        with pytest.raises(ConfigurationError, match=words) as refused:
            query.main(OPTIONS)
        assert "hunter2" not in str(refused.value)
