"""Tables are read without changing a value, or refused with the remedy."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from artifact import digest
from artifact.errors import DataContractError
from pipeline.data import faults, reader, table
from pipeline.data.quotes import Quotes


def gzipped(content: bytes) -> bytes:
    """Compressed, without the time: pytest names cases by such bytes, and the workers of a run must agree on names."""
    return gzip.compress(content, mtime=0)


def read(tmp_path: Path, content: bytes) -> table.Table:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return reader.read(path)


def test_cells_stay_text(tmp_path: Path) -> None:
    """NA, null and quoted empty cells are text; only a cell with nothing in it is missing."""
    result = read(tmp_path, b'a,b\n1,NA\n,""\n"x\ny, z",null\n007,None\n').columns.to_pydict()
    assert result == {"a": ["1", None, "x\ny, z", "007"], "b": ["NA", "", "null", "None"]}


def test_a_cell_may_hold_lines(tmp_path: Path) -> None:
    """Line breaks inside quotes end no row, wherever the reader cuts a large file into blocks."""
    result = read(tmp_path, b"a,b\n" + b'"x\n1,2\n\n3",y\n' * 150_000).columns
    assert result.num_rows == 150_000
    assert result.column("a").unique().to_pylist() == ["x\n1,2\n\n3"]


def test_bom_and_crlf_change_nothing(tmp_path: Path) -> None:
    """A file from Excel reads as one from here."""
    assert read(tmp_path, b"\xef\xbb\xbfa,b\r\n1,x\r\n").columns.to_pydict() == {"a": ["1"], "b": ["x"]}


REFUSED = [
    (b"", "is empty"),
    (b"a,b\n", "a header and no rows"),
    (b"a,b", "a header and no rows"),
    (b"a,b\n1,2,3\n", "row 1 has 3 cells, the header 2: 1,2,3"),
    (b"a,b\n1,2\n3\n", "row 2 has 1 cell, the header 2: 3"),
    ("a,b\n1,é\n".encode("latin-1"), "is not UTF-8"),
    ("é,b\n1,2\n".encode("latin-1"), "is not UTF-8"),
    ("a,b\n1,2\n".encode("utf-16"), "is UTF-16"),
    (b"a,b,a\n1,2,3\n", "the column 'a' 2 times"),
    (b'a,b\n1,"cut off\n', "odd number of quotes"),
    (b'a,b,c\n1,"x,2\n3,"y,4\n', "the quoted cell at offset 8 has several lines"),
    (b'\xef\xbb\xbf"a",b\n"x ""y"" z\n",2\n1,"p ""q\n""r"s\n', "the quoted cell at offset 26 has several lines"),
    (b'a,b\n1,"two\nlines \\"x\\"\n', "is not written twice"),
]


@pytest.mark.parametrize(("content", "problem"), REFUSED)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    """Exit 40 says what is wrong with the file and how to mend it."""
    with pytest.raises(DataContractError, match=problem):
        read(tmp_path, content)


def quoted_cells(content: bytes, size: int) -> Quotes:
    """`content`, looked at in pieces of `size` bytes."""
    quotes = Quotes("table.csv")
    for start in range(0, len(content), size):
        quotes.add(content[start : start + size])
    return quotes


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_of_any_size(size: int) -> None:
    """Wherever a file is cut, the same cell is refused, and a good file is not."""
    good = b'"a","b"\r\n"x ""y"" z\r\n","1"\r\n"","2 ""\n"\r\n"""" ,3\r\n'
    quoted_cells(good, size).end()
    with pytest.raises(DataContractError, match=f"at offset {len(good)} has several lines"):
        quoted_cells(good + b'"p\n ""q"r\n', size)


def test_quotes_within_a_plain_cell(tmp_path: Path) -> None:
    """An inch sign is a character, and so are all quotes of a cell that begins with something else."""
    result = read(tmp_path, b'a,b\n5" pipe,x\n7" pipe,"y\nz"\n').columns.to_pydict()
    assert result == {"a": ['5" pipe', '7" pipe'], "b": ["x", "y\nz"]}


def test_a_parquet_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """Truncated bytes are exit 40, not a traceback."""
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pa.table({"a": [1, 2]}), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataContractError, match="cannot be read as parquet"):
        reader.read(path)


def test_a_missing_file_names_dvc_pull(tmp_path: Path) -> None:
    """Data that was never pulled is told apart from wrong data."""
    with pytest.raises(DataContractError, match="dvc pull"):
        reader.read(tmp_path / "table.csv")


def test_a_folder_is_one_table(tmp_path: Path) -> None:
    """Files are read in the order of their paths, and the digest follows from paths and contents alone."""
    for folder in ("one", "two"):
        root = tmp_path / folder
        root.mkdir()
        for name in ("b", "a") if folder == "one" else ("a", "b"):
            (root / f"{name}.csv").write_text(f"x\n{name}\n")
    assert reader.read(tmp_path / "one").columns.to_pydict() == {"x": ["a", "b"]}
    assert table.data_digest(tmp_path / "one") == table.data_digest(tmp_path / "two")
    (tmp_path / "two/b.csv").rename(tmp_path / "two/c.csv")
    assert table.data_digest(tmp_path / "one") != table.data_digest(tmp_path / "two")


def test_a_folder_of_two_kinds_or_headers_is_refused(tmp_path: Path) -> None:
    """Files that are no one table are named."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("y\n1\n")
    with pytest.raises(DataContractError, match="other columns"):
        reader.read(tmp_path)
    (tmp_path / "b.csv").rename(tmp_path / "b.txt")
    with pytest.raises(DataContractError, match=r"none of \.csv, \.tsv"):
        reader.read(tmp_path)


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    """The data digest is sha256, as anyone can compute it."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\n1\n")
    assert table.data_digest(path) == digest.of_bytes(b"x\n1\n")


ROWS = {"a": [1.5, None, 3.0], "b": ["x", "2024-01-31", "ü"], "c": [1, 2, 3]}
TEXT = {"a": ["1.5", None, "3"], "b": ["x", "2024-01-31", "ü"], "c": ["1", "2", "3"]}
LINES = "".join(json.dumps({key: values[row] for key, values in ROWS.items()}) + "\n" for row in range(3))


def separated(mark: str) -> bytes:
    return "\n".join(
        mark.join(row) for row in (["a", "b", "c"], ["1.5", "x", "1"], ["", "2024-01-31", "2"], ["3", "ü", "3"])
    ).encode()


def feather_bytes(columns: dict[str, list[object]]) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.feather.write_feather(pa.table(columns), sink, chunksize=2)
    return bytes(sink.getvalue())


KINDS: dict[str, tuple[bytes, dict[str, list[object]]]] = {
    "a table.tsv": (separated("\t"), TEXT),
    "semicolons.csv": (separated(";"), TEXT),
    "bars.csv": (separated("|"), TEXT),
    "packed.csv.gz": (gzipped(separated(",")), TEXT),
    "packed.TSV.GZ": (gzipped(separated("\t")), TEXT),
    "lines.jsonl": (LINES.encode(), ROWS),
    "lines.ndjson.gz": (gzipped(LINES.encode()), ROWS),
    "table.feather": (feather_bytes(ROWS), ROWS),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_table_of_any_kind_is_read(tmp_path: Path, name: str) -> None:
    """The same rows, whatever separates or packs them: text as text, and types where the file has some."""
    content, expected = KINDS[name]
    (tmp_path / name).write_bytes(content)
    result = reader.read(tmp_path / name)
    assert result.columns.to_pydict() == expected
    assert result.text == (expected is TEXT)


def test_objects_need_not_have_the_same_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that an object lacks is a missing value, however far away the first object is that has it."""
    monkeypatch.setattr(faults, "BLOCK", 40)
    path = tmp_path / "table.jsonl"
    path.write_text('{"a": 1, "day": "2024-01-31"}\n' * 5 + '{"a": 2.5, "late": true}\n')
    result = reader.read(path).columns.to_pydict()
    assert result == {"a": [1.0] * 5 + [2.5], "day": ["2024-01-31"] * 5 + [None], "late": [None] * 5 + [True]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.csv.gz", gzipped(b"a,b\n" + b"1,2\n" * 9000)[:-20]),
        ("no.csv.gz", b"a,b\n1,2\n"),
        ("cut.jsonl", b'{"a": 1}\n{"a": '),
        ("mixed.jsonl", b'{"a": 1}\n{"a": "x"}\n'),
        ("no.feather", b"a,b\n1,2\n"),
    ],
)
def test_a_file_that_cannot_be_what_its_name_says_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    """Exit 40 names the file and what it cannot be read as."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataContractError, match=rf"{name} cannot be read as {name.partition('.')[2]}"):
        reader.read(tmp_path / name)


def parquet_file() -> bytes:
    """A table as Parquet."""
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"PAR1": [1, 2]}), stream)
    return stream.getvalue()


def feather_file() -> bytes:
    """A table as Feather."""
    stream = io.BytesIO()
    pyarrow.feather.write_feather(pa.table({"a": [1, 2]}), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", parquet_file(), "it is Parquet: let its name end in .parquet"),
        ("a.jsonl", feather_file(), "it is Feather: let its name end in .feather"),
        ("a.csv", b"PK\x03\x04 and more", "it is a workbook of Excel, or an archive: save the sheet as CSV"),
        ("a.csv", b"\n<!DOCTYPE html><html>", "it is a page of HTML"),
        ("a.csv", gzipped(b"a,b\n1,2\n"), "it is compressed: let its name end in .gz"),
        ("a.csv.gz", gzipped(gzipped(b"a,b\n1,2\n")), "it is compressed twice: unpack it once"),
        ("a.jsonl", b'[\n{"a": 1},\n{"a": 2}]', r"is one list of JSON; write an object a line: jq -c '\.\[\]'"),
        ("a.jsonl", '{"a": 1}\n'.encode("utf-16"), "is UTF-16; convert it: iconv .* > utf8.jsonl"),
        ("a.csv.gz", gzipped("a,b\n1,2\n".encode("utf-16")), r"it: gunzip -c .*a.csv.gz \| iconv .* -t UTF-8 >"),
        ("a.csv.gz", gzipped("a,b\n1,é\n".encode("latin-1")), r"gunzip -c .* \| iconv -f LATIN1 -t UTF-8 >"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    """Exit 40 says what the file is by its first bytes, and what to do."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataContractError, match=problem):
        reader.read(tmp_path / name)


def test_a_column_may_be_named_like_the_beginning_of_another_kind(tmp_path: Path) -> None:
    """PAR1 is a name as any other."""
    assert read(tmp_path, b"PAR1,ARROW1\n1,2\n").columns.to_pydict() == {"PAR1": ["1"], "ARROW1": ["2"]}
