"""Pieces of a table scored by the workers of a Dask cluster: each verifies the artifact itself, once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from artifact import digest, load, manifest
from scoring.scorer import Form, Scored, Scorer

_AHEAD = 2  # pieces a worker: one in work, one on its way
_scorers: dict[tuple[str, Form], Scorer] = {}


class Remote:
    """The artifact in `directory` on the workers that `client` knows."""

    def __init__(self, client: Any, directory: Path, form: Form) -> None:
        self._client = client
        files = {path.name: path.read_bytes() for path in directory.iterdir()}
        self._key = (digest.of_bytes(files[manifest.FILE]), form)
        self._files = client.scatter([files], broadcast=True, hash=False)[
            0
        ]  # a list: of a mapping it would scatter each value
        self.ahead = _AHEAD * len(client.scheduler_info(n_workers=-1)["workers"])

    def submit(self, table: pa.Table, first: int) -> Any:
        """A future of the scores of `table`, whose first row has the number `first`."""
        there = self._client.scatter(table, hash=False)
        return self._client.submit(_score, self._files, self._key, there, first, pure=False)


def _score(files: Mapping[str, bytes], key: tuple[str, Form], table: pa.Table, first: int) -> Scored:
    if key not in _scorers:
        with tempfile.TemporaryDirectory(prefix="modelpin-score-") as folder:
            for name, data in files.items():
                Path(folder, name).write_bytes(data)
            verified = load.verify(folder, expected_digest=key[0])
            _scorers[key] = Scorer(load.deserialise(verified), verified.files, key[1])
    return _scorers[key].score(table, first)
