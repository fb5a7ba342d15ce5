"""A table of one file, or a folder of them: which files it is, its digest, and rows of it as they stand there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from artifact import digest
from artifact.errors import DataContractError
from pipeline.data import kinds


@dataclass(frozen=True)
class Table:
    """Rows of a table as they stand in the file: text in a CSV (a null is a cell with nothing in it, not even quotes),
    typed in Parquet. `first` rows stand before them in their `file`, which is None for a table of one file. `numbers`
    are those of the rows in the file, from 0, where rows between them are left out."""

    columns: pa.Table
    text: bool
    first: int = 0
    file: str | None = None
    numbers: np.ndarray | None = None

    @property
    def names(self) -> list[str]:
        """Names of the columns, in the order of the file."""
        names: list[str] = self.columns.column_names
        return names

    def label(self, row: int) -> int | str:
        """The row with the index `row` as a person counts it: from 1, without the header, and in which file."""
        number = (self.first + row if self.numbers is None else int(self.numbers[row])) + 1
        return number if self.file is None else f"{self.file}:{number}"


def data_digest(path: Path) -> str:
    """Digest of the raw bytes of a file; of the sorted paths and contents of a folder."""
    return digest.of_tree(path, files(path)) if path.is_dir() else digest.of_file(_present(path))


def files(path: Path) -> list[Path]:
    """The file at `path`, or the files of that folder in the order of their paths; all of one kind."""
    listed = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [_present(path)]
    for file in listed:
        if kinds.of(file.name) is None:
            suffixes = ", ".join(kinds.ENDINGS)
            raise DataContractError(f"{file} is none of {suffixes}; convert it, or move it out of the data")
    if not listed:
        raise DataContractError(f"{path} is an empty folder; put .csv or .parquet files there")
    endings = sorted({kinds.ending(file.name) for file in listed})
    if len(endings) > 1:
        raise DataContractError(f"{path} mixes {' and '.join(endings)}; keep one kind")
    return listed


def _present(path: Path) -> Path:
    if not path.exists():
        raise DataContractError(f"{path} is not here; fetch it with `dvc pull`, or correct data.path in params.yaml")
    return path
