"""A process that has imported the predictor once and forks one for each artifact: `python -m tests.zoo.host`.

Standard input takes lines: a JSON list of the predictor's arguments and the path of its log starts one, and its process
id is answered; a process id ends that one by SIGTERM, and its exit code is answered.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback

from artifact import load
from artifact.engines import onnx_runner, sklearn_runner
from predictor import __main__ as predictor
from predictor import kserve_import

with kserve_import.kserve():
    from predictor import model, server

_IMPORTED = (load, onnx_runner, sklearn_runner, model, server)


def main() -> None:
    """Serve the lines until there are no more."""
    import sklearn.pipeline  # noqa: F401  # as _IMPORTED: no predictor imports it again

    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if isinstance(order, int):
            os.kill(order, signal.SIGTERM)
            print(os.waitstatus_to_exitcode(os.waitpid(order, 0)[1]), flush=True)
        else:
            print(_forked(*order), flush=True)


def _forked(arguments: list[str], log: str) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = predictor.main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
