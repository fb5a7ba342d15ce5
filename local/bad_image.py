"""The predictor with one fault, as a bad image would have it: `python -m local.bad_image FAULT …the predictor's own…`.

errors: every twentieth request ends in an error of ours; slow: a request takes some milliseconds longer; dies: the
process ends at its fortieth request, and is started again, as a kubelet does.
"""

import functools
import importlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ERRORS, SLOW, DIES = "errors", "slow", "dies"
_EVERY, _LAST, _SECONDS = 20, 40, 0.004
_DYING = "dying"


def main() -> int:
    fault, *arguments = sys.argv[1:]
    if fault == DIES:
        return _restarted([sys.executable, "-m", "local.bad_image", _DYING, *arguments])
    sys.argv[1:] = arguments
    kserve = importlib.import_module("predictor.kserve_import").kserve
    with kserve():
        model: Any = importlib.import_module("predictor.model").Model
    model.preprocess = _with(fault, model.preprocess)
    code: int = importlib.import_module("predictor.__main__").main(arguments)
    return code


def _with(fault: str, original: Callable[..., Any]) -> Callable[..., Any]:
    numbers = itertools.count(1)

    @functools.wraps(original)
    def preprocess(*arguments: Any, **options: Any) -> Any:
        number = next(numbers)
        if fault == ERRORS and number % _EVERY in (0, 1):  # the fast path hands it over, and it is tried once more
            raise RuntimeError("a fault of this image")
        if fault == SLOW:
            time.sleep(_SECONDS)
        if fault == _DYING and number == _LAST:
            os._exit(1)
        return original(*arguments, **options)

    return preprocess


def _restarted(command: list[str]) -> int:
    """Run `command` again and again, until this process is told to end."""
    child: subprocess.Popen[bytes] | None = None

    def end(*_: object) -> None:
        if child is not None:
            child.terminate()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        child = subprocess.Popen(command)
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
