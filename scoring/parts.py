"""Scores on their way: finished pieces beside the output, which a run that was killed takes up, and the growing output.

A piece's name holds its number and how many of its rows were scored and rejected: the folder's listing tells what is
done. Pieces are Arrow files. The output is written while pieces come, and has its name when all are in it; a run that
goes on writes it again from the finished pieces, so that the bytes do not tell where a run was cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from artifact.errors import ConfigurationError
from scoring.batches import suffix
from scoring.location import Location
from scoring.scorer import Scored

# Raise it when the files in the folder change: a run of another version does not take them up.
SCHEMA_VERSION = 1
_PLAN = "plan.json"
_PIECE = re.compile(r"(\d{6})-(\d+)-(\d+)\.arrow")


class Parts:
    """The folder `<output>.parts`."""

    def __init__(self, output: Location, plan: Mapping[str, Any]) -> None:
        name = str(output).rpartition("/")[2]
        kind = suffix(output)
        self.output = output
        self.rejects = output.sibling(f"{name[: -len(kind)]}.rejected{kind}")
        self._folder = output.sibling(f"{name}.parts")
        self._plan = {"schema_version": SCHEMA_VERSION, **plan}
        self._pieces: list[str] = []
        self.scored = self.rejected = 0

    def begin(self, restart: bool) -> int:
        """How many pieces an earlier run has finished; ConfigurationError (10) where it was of another plan."""
        if restart:
            self._folder.remove()
        present = self._folder.children()
        if _PLAN in present:
            self._refuse_other(json.loads(self._folder.child(_PLAN).open().read()))
        else:
            self._folder.remove()  # pieces without a plan: a run that had ended was killed while it removed them
            present = []
            self._write(_PLAN, lambda stream: stream.write(json.dumps(self._plan, indent=1).encode() + b"\n"))
        for name in present:
            if (match := _PIECE.fullmatch(name)) and int(match[1]) == len(self._pieces):
                self._count(name, int(match[2]), int(match[3]))
        return len(self._pieces)

    @contextmanager
    def output_open(self) -> Iterator[None]:
        """Within this, `add` writes to the output, too. It has its name when this ends well, and the rejected rows
        before; then the pieces go."""
        csv = suffix(self.output) == ".csv"
        with self.output.writing() as stream, closing(_Joined(stream, csv)) as self._joined:
            for name in self._pieces:
                self._joined.add(self._read(name))
            yield
            self.write_rejected()
        self._folder.remove()

    def add(self, piece: Scored) -> None:
        """Keep the next piece: it is finished when its file has its name, and then its rejected rows are there, too."""
        number, rejected = len(self._pieces), piece.rejected.num_rows
        name = f"{number:06}-{piece.predictions.num_rows}-{rejected}.arrow"
        if rejected:
            self._write(f"rejected-{name}", lambda stream: _arrow(stream, piece.rejected))
        self._write(name, lambda stream: _arrow(stream, piece.predictions))
        self._count(name, piece.predictions.num_rows, rejected)
        self._joined.add(piece.predictions)

    def write_rejected(self) -> None:
        """Write the rejected rows beside the output; where there are none, remove what an earlier run wrote there."""
        names = [f"rejected-{name}" for name in self._pieces if not name.endswith("-0.arrow")]
        if not names:
            self.rejects.remove()
            return
        with self.rejects.writing() as stream, closing(_Joined(stream, suffix(self.rejects) == ".csv")) as joined:
            for name in names:
                joined.add(self._read(name))

    def _count(self, name: str, scored: int, rejected: int) -> None:
        self._pieces.append(name)
        self.scored += scored
        self.rejected += rejected

    def _refuse_other(self, plan: Mapping[str, Any]) -> None:
        for key in (*self._plan, *plan):
            if plan.get(key) != self._plan.get(key):
                raise ConfigurationError(
                    f"{self._folder} was begun with {key} {plan.get(key)!r}, this run has {self._plan.get(key)!r}; "
                    "repeat that run to take it up, or begin again with --restart"
                )

    def _write(self, name: str, write: Callable[[Any], object]) -> None:
        with self._folder.child(name).writing() as stream:
            write(stream)

    def _read(self, name: str) -> pa.Table:
        with self._folder.child(name).open() as source:
            return pa.ipc.open_file(source).read_all()


class _Joined:
    """Tables of one form, one behind the other, in `stream`, as CSV or Parquet."""

    def __init__(self, stream: Any, csv: bool) -> None:
        self._stream = stream
        self._open = pyarrow.csv.CSVWriter if csv else _parquet
        self._writer: Any = None

    def add(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = self._open(self._stream, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Write what a file ends with, also where it is thrown away: a writer does it when it is collected, later."""
        if self._writer is not None:
            self._writer.close()


def _parquet(stream: Any, schema: pa.Schema) -> Any:
    """A writer that looks for repeated values in columns of text alone: a probability is rarely there twice."""
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    return pyarrow.parquet.ParquetWriter(stream, schema, use_dictionary=texts or False)


def _arrow(stream: Any, table: pa.Table) -> None:
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
