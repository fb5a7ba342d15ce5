"""What a fork of the tests' own process has: tests run commands in forks, which start in no time."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from tests.deadlines import ANSWER_SECONDS


def count_threads(send: multiprocessing.connection.Connection) -> None:
    time.sleep(0.05)  # what gRPC starts in a fork comes a moment later
    send.send(len(list(Path("/proc/self/task").iterdir())))


def test_a_fork_has_no_threads_of_a_grpc_server() -> None:
    """A test that runs a gRPC server leaves nothing that runs in the forks of other tests of its worker."""
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        receive, send = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=count_threads, args=(send,))
        process.start()
        assert receive.poll(ANSWER_SECONDS)
        assert receive.recv() == 1
        process.join(ANSWER_SECONDS)
    finally:
        server.stop(None).wait(ANSWER_SECONDS)
