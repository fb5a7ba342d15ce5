"""Load artifacts in this process and watch what runs: `python -m tests.artifact.watched`, directories on stdin as JSON.

`artifact.unpickling.unpickler` reads with the Python-level unpickler, whose dispatch table holds one function an
opcode: each is wrapped here to be counted. The C unpickler, should anyone use it, and everything a pickle could do are
seen by an audit hook.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

from artifact import load
from artifact.errors import ModelpinError
from artifact.unpickling.unpickler import Unpickler

ACTS = ("pickle.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.", "socket.connect", "exec")
opcodes: list[int] = []
acts: list[str] = []


def counting(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`function`, counted when it runs."""

    def run(unpickler: Any) -> Any:
        opcodes.append(1)
        return function(unpickler)

    return run


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Remember what a pickle might do."""
    if event.startswith(ACTS):
        acts.append(f"{event} {arguments[:2]}"[:80])


def main() -> None:
    """Load each directory and print how that ended and what ran, by title."""
    pure: Any = pickle._Unpickler  # type: ignore[attr-defined]
    ours: Any = Unpickler
    for unpickler in (pure, ours):
        unpickler.dispatch = {code: counting(function) for code, function in unpickler.dispatch.items()}
    sys.addaudithook(hook)
    results = {}
    for title, requests in json.load(sys.stdin).items():
        opcodes.clear()
        acts.clear()
        try:
            load.load(requests["directory"], expected_digest=requests["expected_digest"], name=requests["name"])
            ended = ["loaded", 0, ""]
        except ModelpinError as error:
            ended = [type(error).__name__, error.exit_code, str(error)]
        results[title] = {"ended": ended, "opcodes": len(opcodes), "acts": list(acts)}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
