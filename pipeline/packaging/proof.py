"""Load an artifact as the image will: with artifact/, features/ and the serving lock, and nothing else.

Run as a file by `pipeline.packaging.package`, in isolated mode, with copies of artifact/ and features/ in a folder of
their own; only the standard library is imported before the guard stands. Reads a request from stdin and writes one line
of JSON: {"modules": […]} or {"code": exit code, "message": …, "refused": module, "importer": module}.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = ("artifact", "features")
# Some of the standard library's modules are named after the platform and are in no list.
_STANDARD = [str(Path(json.__file__).parents[1]), str(Path(json.__file__).parents[1] / "lib-dynload")]


class Guard(MetaPathFinder):
    """Refuses the import of modules that the serving image does not have, as the image would."""

    def __init__(self, allowed: set[str]) -> None:
        self._allowed = allowed | set(sys.stdlib_module_names) | set(OURS)
        self.refused: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None lets the next finder look; ModuleNotFoundError ends the search."""
        module = fullname.partition(".")[0]
        if module in self._allowed or PathFinder.find_spec(module, _STANDARD) is not None:
            return None
        self.refused.append(module)
        raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def main() -> None:
    """Replay the golden requests of the artifact that the request names."""
    request = json.loads(sys.stdin.read())
    home = Path(request["home"])
    guard = Guard(set(request["modules"]))
    sys.meta_path.insert(0, guard)
    sys.path.insert(0, str(home))
    try:
        from artifact import load

        load.load(request["artifact"], expected_digest=request["digest"], name=request["name"])
    except Exception as error:
        answer: dict[str, Any] = {"code": getattr(error, "exit_code", 1), "message": f"{type(error).__name__}: {error}"}
        answer |= _blamed(error, guard, home)
    else:
        answer = {"modules": sorted(name for name in sys.modules if name.partition(".")[0] == "features")}
    print(json.dumps(answer))


def _blamed(error: BaseException | None, guard: Guard, home: Path) -> dict[str, str]:
    """The refused module that this error comes from, and which of ours imported it; empty where it is another error."""
    while error is not None:
        module = (getattr(error, "name", None) or "").partition(".")[0]
        if isinstance(error, ImportError) and module in guard.refused:
            frames = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
            ours = [path.relative_to(home) for path in frames if path.is_relative_to(home)]
            importer = ".".join(ours[-1].with_suffix("").parts) if ours else "model.joblib"
            return {"refused": module, "importer": importer}
        error = error.__cause__ or error.__context__
    return {}


if __name__ == "__main__":
    main()
