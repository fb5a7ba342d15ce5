"""GOAWAY on the connections of a real gRPC server, with real clients that never stop calling."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from local.ports import free
from predictor import listener
from predictor.grpc.server import GrpcServer
from predictor.settings import Settings
from tests.deadlines import ANSWER_SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
SECONDS = float(ANSWER_SECONDS)


class Echo:
    """In the servicer's place: answers any call with its message, after a moment."""

    async def infer(self, messages: Any, context: Any) -> bytes:
        message: bytes = await context.read()
        await asyncio.sleep(0.001)
        return message

    def __getattr__(self, name: str) -> Any:
        return None  # no other method is called


class Caller(threading.Thread):
    """Calls on one channel, one after the other, until stopped or refused; codes are counted."""

    def __init__(self, port: int, message: bytes) -> None:
        super().__init__(daemon=True)
        self.codes: Counter[str] = Counter()
        self.stopped = threading.Event()
        self._message = message
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)

    def run(self) -> None:
        call = self._channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        while not self.stopped.is_set():
            try:
                assert call(self._message, timeout=SECONDS) == self._message
                self.codes["OK"] += 1
            except grpc.RpcError as error:
                refused = "connection refused" in (error.details() or "").lower()
                self.codes["refused" if refused else error.code().name] += 1
                break
        self._channel.close()


def connections(port: int) -> int:
    """Connections of a port of this process."""
    count = 0
    for candidate in listener.of_port(port):
        with candidate:
            count += not listener.is_listening(candidate)
    return count


@pytest.mark.parametrize("size", [10, 1 << 20], ids=["short", "long"])
def test_clients_leave(size: int) -> None:
    """Clients that call on and on have left before gRPC's library stops; no call of theirs fails, of any size."""
    (port,) = free(1)
    settings = Settings(host="127.0.0.1", grpc_port=port)

    async def test() -> list[Caller]:
        server = GrpcServer(Echo(), SimpleNamespace(settings=settings, model=SimpleNamespace(name="iris")))  # type: ignore[arg-type]
        await server.start()
        callers = [Caller(port, bytes(size)) for _ in range(4)]
        for caller in callers:
            caller.start()
        while min(caller.codes["OK"] for caller in callers) < 20:
            await asyncio.sleep(0.01)
        assert connections(port) == len(callers)
        await listener.connect_no_more(port)
        library = server._server

        async def stop(seconds: float) -> None:
            assert connections(port) == 0
            await library.stop(seconds)

        server._server = SimpleNamespace(stop=stop)
        await server.stop(SECONDS)
        return callers

    for caller in asyncio.run(asyncio.wait_for(test(), 3 * SECONDS)):
        caller.join()
        assert set(caller.codes) == {"OK", "refused"}
