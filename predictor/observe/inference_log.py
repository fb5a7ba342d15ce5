"""The inference log: rows and answers of some requests, in files that another process ships. Off by default.

A request is chosen by a hash of its id, so that all parts of a system that know the id choose the same. The thread that
answers only appends; a thread of this object writes lines of JSON to a file, and renames a file when it is complete.
What waits in memory and in files is bounded: a request that would not fit is dropped and counted.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import orjson

from artifact import moment
from artifact.errors import ConfigurationError
from artifact.prediction import Columns, Prediction, rows
from artifact.signature import Signature

SUFFIX, OPEN = ".jsonl", ".open"
_CELLS = 1 << 18  # values that wait to be written, inputs and outputs together
_FILE_BYTES = 4 << 20  # after which a file is complete ...
_SECONDS = 30.0  # ... or after this time
_PAUSE = 0.25  # between two looks at what waits
_SCALE = 1 << 32
_KEY_BYTES = 16


class Policy(NamedTuple):
    """`share` of the requests; the files may take `most_bytes`. Inputs named in `without` are left out, those in
    `hashed` are replaced by a keyed hash: equal values have equal hashes, and nobody without the `key` can try values.
    """

    share: float
    most_bytes: int
    without: Sequence[str] = ()
    hashed: Sequence[str] = ()
    key: bytes = b""

    @classmethod
    def of(cls, settings: Any) -> Policy:
        """What the settings say; ConfigurationError (10) for a key that cannot be read or is too short."""
        names = [
            [] if text == "none" else [name.strip() for name in text.split(",")]
            for text in (settings.inference_without, settings.inference_hashed)
        ]
        key = b""
        if settings.inference_key_file != "none":
            try:
                key = Path(settings.inference_key_file).read_bytes().strip()[:64]
            except OSError as error:
                raise ConfigurationError(f"inference_key_file cannot be read: {error}") from error
            if len(key) < _KEY_BYTES:
                raise ConfigurationError(f"inference_key_file has {len(key)} bytes; give {_KEY_BYTES} or more")
        return cls(settings.inference_share, settings.inference_bytes, names[0], names[1], key)


class _Entry(NamedTuple):
    request_id: str
    time: float
    columns: Columns
    prediction: Prediction


class InferenceLog:
    """Writes the chosen requests of one process to a folder of its own.

    `observe` may be called by any thread. `logged` and `dropped` count requests.
    """

    def __init__(self, folder: Path, policy: Policy, signature: Signature, digest: str, release: str) -> None:
        """ConfigurationError (10) for a column that the model has not, or a folder that cannot be written to."""
        self._kinds = {feature.name: feature.dtype for feature in signature.inputs}
        for name in (*policy.without, *policy.hashed):
            if name not in self._kinds:
                raise ConfigurationError(f"inference_log: {name!r} is no input; the model has {', '.join(self._kinds)}")
        if policy.hashed and not policy.key:
            raise ConfigurationError(
                "inference_hashed needs inference_key_file, a file with a secret of 16 bytes or more"
            )
        self._classes = next((output.columns for output in signature.outputs if output.name == "probabilities"), None)
        self._folder, self._policy, self._signature = folder, policy, signature
        self._common = {"digest": digest, "release": release}
        self._limit = math.ceil(policy.share * _SCALE)
        self._waiting: deque[_Entry] = deque()
        self._cells = 0
        self._lock = threading.Lock()  # held while cells or drops are counted
        self.dropped = 0
        self.logged = 0
        self._ended = threading.Event()
        self._file: BinaryIO | None = None
        self._name, self._size, self._opened, self._number = "", 0, 0.0, 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(f"*{OPEN}"):  # by a process that was killed; its last line may be half
                left.rename(left.with_suffix(SUFFIX))
        except OSError as error:
            raise ConfigurationError(f"inference_log {folder} cannot be written to: {error}; mount a volume") from error
        self._thread = threading.Thread(target=self._run, name="inference-log", daemon=True)
        self._thread.start()

    def chosen(self, request_id: str) -> bool:
        """Whether the request with this id is one of the `share`."""
        hashed = hashlib.blake2b(request_id.encode(), digest_size=4).digest()
        return int.from_bytes(hashed, "big") < self._limit

    def observe(self, request_id: str, columns: Columns, prediction: Prediction) -> None:
        """Remember a request that is chosen, or count that there is no room for it."""
        if not self.chosen(request_id):
            return
        size = self._cells_of(prediction)
        with self._lock:
            if self._cells + size > _CELLS:
                self.dropped += 1
                return
            self._cells += size
        self._waiting.append(_Entry(request_id, time.time(), columns, prediction))

    def close(self) -> None:
        """Write what waits, and complete the file."""
        self._ended.set()
        self._thread.join(timeout=2)

    def _cells_of(self, prediction: Prediction) -> int:
        return len(prediction.values) * (len(self._kinds) + len(self._classes or ()) + 1)

    def _run(self) -> None:
        while not self._ended.wait(_PAUSE):
            self._write()
            if self._file is not None and time.monotonic() - self._opened > _SECONDS:
                self._complete()
        self._write()
        self._complete()

    def _write(self) -> None:
        used = None
        while self._waiting:
            entry = self._waiting.popleft()
            lines = self._lines(entry)
            with self._lock:
                self._cells -= self._cells_of(entry.prediction)
            used = self._used() if used is None else used
            try:
                if used + len(lines) > self._policy.most_bytes:
                    raise OSError("the files wait to be shipped")
                self._append(lines)
            except OSError:
                with self._lock:
                    self.dropped += 1
                continue
            used += len(lines)
            self.logged += 1
        if self._file is not None:
            self._file.flush()

    def _used(self) -> int:
        with os.scandir(self._folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            self._number += 1
            self._name = f"{time.time_ns()}-{os.getpid()}-{self._number}"
            self._file = (self._folder / (self._name + OPEN)).open("wb")
            self._size, self._opened = 0, time.monotonic()
        self._file.write(lines)
        self._size += len(lines)
        if self._size >= _FILE_BYTES:
            self._complete()

    def _complete(self) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
            (self._folder / (self._name + OPEN)).rename(self._folder / (self._name + SUFFIX))
        except OSError:  # it keeps its first name until the next start
            pass
        self._file = None

    def _lines(self, entry: _Entry) -> bytes:
        """A line a row: its inputs by name, its prediction and, of a classification, the probabilities by class."""
        inputs = {
            name: self._as_json(name, entry.columns[name]) for name in self._kinds if name not in self._policy.without
        }
        answers, sure = entry.prediction.values.tolist(), entry.prediction.probabilities
        lines = []
        for row in range(rows(entry.columns)):
            line: dict[str, Any] = {
                "request_id": entry.request_id,
                "row": row,
                "time": entry.time,
                **self._common,
                "inputs": {name: values[row] for name, values in inputs.items()},
                "prediction": answers[row],
            }
            if sure is not None and self._classes is not None:
                line["probabilities"] = dict(zip(map(str, self._classes), sure[row].tolist(), strict=True))
            for name, array in entry.prediction.more.items():
                line.setdefault("more", {})[name] = array[row].tolist()
            lines.append(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))
        return b"".join(lines)

    def _as_json(self, name: str, values: np.ndarray) -> list[Any]:
        """Values as JSON has them; a missing one is null."""
        kind, items = self._kinds[name], values.tolist()
        missing = [item != item or item is None for item in items]
        if kind == "bool":
            items = [item == 1 for item in items]
        elif kind == "int64":
            items = [0 if gone else int(item) for item, gone in zip(items, missing, strict=True)]
        elif kind in ("datetime", "date"):  # as a request has them
            items = ["" if gone else moment.text(item, kind) for item, gone in zip(items, missing, strict=True)]
        if name in self._policy.hashed:
            items = [self._hash(item) for item in items]
        return [None if gone else item for item, gone in zip(items, missing, strict=True)]

    def _hash(self, value: Any) -> str:
        return hashlib.blake2b(str(value).encode(errors="replace"), digest_size=16, key=self._policy.key).hexdigest()
