"""The first bytes of a file: they tell that it is something else than the text its name says, such as a workbook."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Any

from artifact.errors import DataContractError
from pipeline.data.kinds import JSON, Kind, reading

_COUNT = 64
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b"
_WORKBOOK = "it is a workbook of Excel, or an archive: save the sheet as CSV, or unpack the archive"
_PAGE = "it is a page of HTML, as a browser gets it where a login is asked for: download the table itself"
_OTHERS = {
    b"PAR1\x15": "it is Parquet: let its name end in .parquet",
    b"ARROW1\0\0": "it is Feather: let its name end in .feather",
    b"PK\x03\x04": _WORKBOOK,
    b"\xd0\xcf\x11\xe0": _WORKBOOK,
    b"<!doctype html": _PAGE,
    b"<html": _PAGE,
}


def check(name: object, kind: Kind, stream: Any) -> None:
    """DataContractError (40) where `stream`, a file of a `kind` of text, begins as no such text does."""
    head: bytes = stream.read(_COUNT)
    stream.seek(0)
    if head.startswith(_UTF16):
        target = "utf8.jsonl" if kind.form == JSON else "utf8.csv"
        command = reading("iconv -f UTF-16 -t UTF-8", name)
        raise DataContractError(f"{name} is UTF-16; convert it: {command} > {target}")
    text = head.removeprefix(BOM_UTF8).lstrip().lower()
    for start, problem in _OTHERS.items():
        if head.startswith(start) or text.startswith(start):
            raise DataContractError(f"{name} is not what its name says: {problem}")
    if head.startswith(_GZIP):
        problem = "compressed twice: unpack it once (gunzip)" if kind.gzipped else "compressed: let its name end in .gz"
        raise DataContractError(f"{name} is not what its name says: it is {problem}")
    if kind.form == JSON and text.startswith(b"["):
        command = reading("jq -c '.[]'", name)
        raise DataContractError(f"{name} is one list of JSON; write an object a line: {command} > lines.jsonl")
