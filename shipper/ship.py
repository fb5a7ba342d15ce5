"""Ship the files of the inference log: as Parquet by digest and day, to a folder or to S3.

What lies in a folder of its own, as the predictor of a namespace writes it, keeps that folder's name in front. A file
is deleted when what was made of it is stored, under a name that is made from its own: killed at any point and run
again, it loses and doubles nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shipper.destination import Destination
from shipper.parquet import encode

SUFFIX = ".jsonl"  # of a complete file of the predictor's
_DAY = "%Y-%m-%d"


def ship(folder: Path, destination: Destination) -> tuple[int, int]:
    """Ship each complete file in `folder`: (rows shipped, lines that were no JSON object, as a killed process leaves).

    StorageError (30) at the first that cannot be stored; that one and those behind it stay.
    """
    shipped = torn = 0
    for file in sorted(folder.rglob(f"*{SUFFIX}")):
        lots: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for line in file.read_bytes().splitlines():
            try:
                row = json.loads(line)
                day = datetime.fromtimestamp(row["time"], UTC).strftime(_DAY)
                lots.setdefault((row.pop("digest"), day), []).append(row)
            except (ValueError, KeyError, TypeError):
                torn += 1
        for (digest, day), rows in lots.items():
            key = file.parent.relative_to(folder) / f"digest={digest}" / f"day={day}" / f"{file.stem}.parquet"
            destination.write(key.as_posix(), encode(rows))
            shipped += len(rows)
        file.unlink()
    return shipped, torn
