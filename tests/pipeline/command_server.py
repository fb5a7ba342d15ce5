"""Run each command in a fork of this process, which has imported the libraries: `server.py ADDRESS ENVIRONMENT KIND`.

Packages that a test may have changed are imported in the fork, from the directory of the command. The fork has the
command's arguments, environment, directory and open files; ENVIRONMENT is what a stage would start itself again in
(pipeline/shared/determinism.py), and this process runs in it. The caller reads the process id of the fork, and when
that has ended its exit code, negative for a signal. This process ends at the end of its standard input,
a FIFO: when nothing holds that open for writing.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys

DETERMINISTIC = ("pipeline", "starter")
# What is missing here each command imports anew. Not ONNX Runtime: a fork of a process that has loaded it hangs.
STAGES = (
    "boto3 dvc.cli dvc.commands.repro dvc.repo dvc_s3 joblib matplotlib.pyplot mlflow.sklearn mlflow.tracking onnx "
    "pandas pyarrow.parquet pydantic scipy.stats sklearn.compose sklearn.ensemble sklearn.impute "
    "sklearn.inspection sklearn.linear_model sklearn.metrics sklearn.model_selection sklearn.pipeline "
    "sklearn.preprocessing yaml"
).split()
# A predictor runs in the directory of this repository, whose own packages it therefore needs to import only once.
PREDICTORS = (
    "sklearn.compose sklearn.ensemble sklearn.impute sklearn.linear_model sklearn.pipeline "
    "sklearn.preprocessing artifact.load artifact.engines.sklearn_runner predictor.model predictor.server"
).split()


def libraries(kind: str) -> None:
    """Import what the commands of `kind`, "stages" or "predictors", have in common."""
    if kind == "stages":
        for name in STAGES:
            importlib.import_module(name)
        return
    sys.path.insert(0, "")
    from predictor import kserve_import

    with kserve_import.kserve():
        for name in PREDICTORS:
            importlib.import_module(name)
    importlib.import_module("pandas")  # which is not imported within the above, and is by each model of scikit-learn
    sys.path.pop(0)


def requested(listening: socket.socket) -> list:
    """Wait for commands; return, in the process that is to run it, a command as the client sent it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the forks that wait for a command are waited for by nobody
    while True:
        if sys.stdin in select.select([listening, sys.stdin], [], [])[0]:
            os._exit(0)
        connection, _ = listening.accept()
        if not os.fork():
            break
        connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    listening.close()
    size, files, _, _ = socket.recv_fds(connection, 4, 3)
    request = b""
    while len(request) < int.from_bytes(size, "big"):
        request += connection.recv(1 << 16)
    if child := os.fork():
        for file in files:
            os.close(file)
        connection.sendall(child.to_bytes(4, "big"))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(code.to_bytes(4, "big", signed=True))
        os._exit(0)
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    return json.loads(request)


if __name__ == "__main__":
    address, environment, kind = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    libraries(kind)
    gc.freeze()
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(64)
    print("ready", flush=True)
    module, arguments, folder, env = requested(server)
    os.environ.clear()
    os.environ.update(env | environment if module in DETERMINISTIC else env)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv, sys.orig_argv = ["-m", *arguments], [sys.executable, "-m", module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
