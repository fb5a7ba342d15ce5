"""A predictor that says which files of ours a request opens: `python -m tests.predictor.opened FOLDER --model_dir …`.

At each SIGUSR1 it writes a file into FOLDER, named by its number from 0: the source files whose functions were called
since the signal before, in any thread, relative to the repository. What `Steps.count` calls behind the answers is left
out: whoever follows a request to its answer does not come there.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from artifact.command import run
from predictor import __main__ as predictor

ROOT = Path(__file__).parents[2]
PACKAGES = ("predictor", "artifact", "features")

_COUNT = "Steps.count"

_called: set[str] = set()
_thread = threading.local()  # `counts`: whether Steps.count runs in it


def note(frame: FrameType, event: str, _: object) -> None:
    """Remember the file of a function that is called."""
    if event in ("call", "return") and frame.f_code.co_qualname == _COUNT:
        _thread.counts = event == "call"
    if event == "call" and not getattr(_thread, "counts", False):
        _called.add(frame.f_code.co_filename)


def ours() -> list[str]:
    """The files of this repository's packages among those called, and forget all."""
    called = [Path(name) for name in list(_called)]
    _called.clear()
    inside = [path.relative_to(ROOT) for path in called if path.is_relative_to(ROOT)]
    return sorted(str(path) for path in inside if path.parts[0] in PACKAGES)


def main(folder: Path) -> int:
    """Serve, and write at each signal."""
    numbers = iter(range(sys.maxsize))

    def write(*_: object) -> None:
        partial = folder / "partial"
        partial.write_text("".join(f"{path}\n" for path in ours()))
        partial.rename(folder / str(next(numbers)))

    signal.signal(signal.SIGUSR1, write)
    threading.setprofile(note)
    sys.setprofile(note)
    return predictor.main()


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    run(lambda _: main(folder))
