"""Lines for standard output, written a few at a time: a line alone costs more than the request it tells about.

Whoever reads the output may be slow. What cannot be written at once waits; what would not fit into that is dropped and
counted. Neither ever holds up the event loop.
"""

from __future__ import annotations

import asyncio
import os
import select
import time

PIECE = 4096  # PIPE_BUF: a pipe takes as much in one piece, whoever else writes to it
MOST = 1 << 20  # bytes that wait for a slow reader
_DELAY = 0.05  # seconds that a line waits for others
_LAST = 1.0  # seconds that a slow reader has at the end


class LogWriter:
    """Whole lines to a file descriptor. `dropped` counts those that were not written. For one thread."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._due = False
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Write `line`, which has its end, soon."""
        if self._size + len(line) > MOST:
            self.dropped += 1
            return
        self._lines.append(line)
        self._size += len(line)
        if self._size >= PIECE:
            self._flush(least=PIECE)
        if self._lines and not self._due:
            self._wait()

    def close(self) -> None:
        """Write what waits, for a second at most."""
        end = time.monotonic() + _LAST
        while self._lines and (left := end - time.monotonic()) > 0:
            self._flush(wait=left)

    def _wait(self) -> None:
        try:
            asyncio.get_running_loop().call_later(_DELAY, self._tick)
            self._due = True
        except RuntimeError:  # no event loop: nobody would come back
            self._flush()

    def _tick(self) -> None:
        self._due = False
        self._flush()
        if self._lines:
            self._wait()

    def _flush(self, least: int = 1, wait: float = 0.0) -> None:
        """Write while there are `least` bytes and somebody takes them, for which each piece waits `wait` seconds."""
        while self._size >= least:
            size = count = 0
            for line in self._lines:
                if count and size + len(line) > PIECE:
                    break
                size += len(line)
                count += 1
            try:
                if not self._poll.poll(wait * 1000):
                    return
                os.write(self._descriptor, b"".join(self._lines[:count]))
            except OSError:  # nobody reads any more
                self.dropped += count
            del self._lines[:count]
            self._size -= size
