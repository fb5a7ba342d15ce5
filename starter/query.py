"""Write the rows of a SQL query as a Parquet file under DVC, so that training reads versioned bytes, no database.

The query stands in a file of its own, which belongs in Git; the address of the database stands in an environment
variable, because it holds a password. The same rows in the same order give the same bytes: end the query with ORDER BY.
"""

from __future__ import annotations

import argparse
import datetime
import decimal
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet

from artifact.errors import ConfigurationError, DataContractError, StorageError, UsageError
from artifact.quantity import quantity
from pipeline.shared.progress import Progress
from starter.placement import Placement

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

URL = "DATABASE_URL"
ROWS = 1 << 16  # fetched and written at once


def main(argv: Sequence[str] | None = None) -> None:
    """Write --out and its .dvc file, or nothing."""
    parser = argparse.ArgumentParser(prog="python -m starter query", description=__doc__)
    add = parser.add_argument
    add("--sql", required=True, type=Path, metavar="FILE", help="the file with the query")
    add(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="the .parquet file to write, such as data/orders.parquet",
    )
    add(
        "--url-from",
        default=URL,
        metavar="VARIABLE",
        help="variable with SQLAlchemy's URL of the database (%(default)s)",
    )
    options = parser.parse_args(argv)
    if options.out.suffix != ".parquet":
        raise UsageError(f"--out {str(options.out)!r} has to end in .parquet")
    sql = _sql(options.sql)
    engine = _engine(options.url_from)
    with tempfile.TemporaryDirectory(prefix=".query-", dir=_folder(options.out)) as folder:
        file = Path(folder) / options.out.name
        rows = _write(engine, sql, file)
        with Placement() as placement:
            placement.table(file, options.out)
    print(f"{options.out}: {quantity(rows, 'row')} of {options.sql}, under DVC")
    print(f"next: git add {options.out}.dvc {options.sql} && dvc push {options.out}.dvc")


def _sql(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip().rstrip(";")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--sql {path} cannot be read: {error}; write the query there, as UTF-8") from error
    if not text:
        raise ConfigurationError(f"--sql {path} is empty; write the query there")
    return text


def _folder(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent


def _engine(variable: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    address = os.environ.get(variable)
    if not address:
        raise ConfigurationError(
            f"{variable} is not set; export it, such as {variable}=sqlite:///shop.db or "
            f"{variable}=postgresql+psycopg://user:password@host/database"
        )
    try:
        return create_engine(address)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigurationError(f"{variable} is no URL of SQLAlchemy: {error!s:.200}; correct it") from error
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{variable} needs the driver {error.name!r}, which is not installed; install it beside the others, for "
            "PostgreSQL: uv pip install 'psycopg[binary]'"
        ) from error


def _write(engine: Engine, sql: str, path: Path) -> int:
    """Write the rows to `path` and count them. Types are those of all rows together, so that they are read as pieces
    first and written with their common types then."""
    from sqlalchemy.exc import SQLAlchemyError

    pieces = path.with_suffix(".arrows")
    try:
        rows, schemas = _fetch(engine, sql, pieces)
    except SQLAlchemyError as error:
        words = " ".join(str(error.__cause__ or error).split())[:300]
        raise StorageError(
            f"the query ended with {type(error).__name__}: {words}; correct the query, or the URL"
        ) from error
    if not rows:
        raise DataContractError("the query gives no row; nothing can be trained on it")
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataContractError(f"a column has values of two types: {error}; CAST it in the query") from error
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for number in range(len(schemas)):
            with pa.ipc.open_file(pa.memory_map(str(_piece(pieces, number)))) as file:
                writer.write_table(file.read_all().cast(schema))
    return rows


def _fetch(engine: Engine, sql: str, pieces: Path) -> tuple[int, list[pa.Schema]]:
    rows, schemas = 0, []
    with engine.connect() as connection, Progress("rows", None) as progress:
        result = connection.execution_options(
            stream_results=True, max_row_buffer=ROWS, no_parameters=True
        ).exec_driver_sql(sql)
        names = list(result.keys())
        if len(set(names)) < len(names):
            raise DataContractError(f"the query gives a column twice: {', '.join(names)}; name each with AS")
        for number, batch in enumerate(result.partitions(ROWS)):
            table = pa.table(
                {name: _column(name, values) for name, values in zip(names, zip(*batch, strict=True), strict=True)}
            )
            schemas.append(table.schema)
            with pa.ipc.new_file(str(_piece(pieces, number)), table.schema) as writer:
                writer.write_table(table)
            rows += len(batch)
            progress.add(len(batch))
    return rows, schemas


def _piece(pieces: Path, number: int) -> Path:
    return pieces.with_name(f"{pieces.name}.{number}")


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    plain: list[Any] = [float(value) if isinstance(value, decimal.Decimal) else value for value in values]
    for value in plain:
        if not isinstance(value, bool | int | float | str | datetime.date | type(None)):
            plain = _texts(name, plain)
            break
    try:
        return pa.array(plain)
    except (pa.ArrowException, OverflowError) as error:
        raise DataContractError(
            f"the column {name!r} has values of two types: {error}; CAST it in the query"
        ) from error


def _texts(name: str, values: Sequence[Any]) -> list[str | None]:
    """What is no number, text, boolean or time, as the database prints it: a UUID; bytes and lists are refused."""
    for value in values:
        if isinstance(value, bytes | bytearray | memoryview | list | dict):
            raise DataContractError(
                f"the column {name!r} holds {type(value).__name__}, which no model takes; CAST it, or leave it out"
            )
    return [None if value is None else str(value) for value in values]
