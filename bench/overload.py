"""`python -m bench.overload`: what health, memory and refusals are like while the predictor is asked for too much.

One predictor with the logistic example, asked from other processes. Each line: what goes on, the health requests made
meanwhile with their median, 99th percentile and longest time in milliseconds, the most memory, and what was answered.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import grpc

from bench import usage
from bench.examples import logistic
from bench.package import Packaged, package
from bench.requests import GRPC_PATH
from local.ports import free

MIB = 1 << 20
_SECONDS = 4.0  # of a closed loop
_SETTINGS = {"PREDICTOR_ROWS": "1000000", "PREDICTOR_BODY_BYTES": str(64 * MIB), "PREDICTOR_LOG_SAMPLING": "0"}
_NARROW = {"PREDICTOR_CONCURRENCY": "8", "PREDICTOR_QUEUE": "16", "PREDICTOR_LOG_SAMPLING": "0"}


class Predictor:
    """The predictor of one artifact in a process of its own, and how it is asked."""

    def __init__(self, model: Packaged, settings: dict[str, str]) -> None:
        self.http, self.grpc = free(2)
        flags = ["--model_dir", str(model.artifact), "--model_name", model.name, "--expected_digest", model.digest]
        listen = ["--host", "127.0.0.1", "--http_port", str(self.http), "--grpc_port", str(self.grpc)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **settings}
        self.process = subprocess.Popen([sys.executable, "-m", "predictor", *flags, *listen], env=environment)
        while not _listens(self.http):
            time.sleep(0.05)

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    async def post(self, path: str, body: bytes) -> tuple[str, float, float]:
        """Status, seconds from the first byte sent, and seconds from the last one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http, limit=64 * MIB)
        try:
            return await exchange(reader, writer, path, body)
        finally:
            writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes
) -> tuple[str, float, float]:
    """One request on an open connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    start = time.perf_counter()
    writer.write(head.encode() + body)
    await writer.drain()
    sending_end = time.perf_counter()
    answer = await reader.readuntil(b"\r\n\r\n")
    first = time.perf_counter()
    length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    status = answer.split()[1].decode()
    if status == "503" and b"retry-after:" not in answer.lower():
        status = "503 without Retry-After"
    return status, first - start, first - sending_end


def watch(port: int, pid: int, pipe: Connection) -> None:
    """In a process of its own: ask for health every 5 ms until told to end, then say how that went."""
    import http.client  # here, where it is the only client that counts

    connection = http.client.HTTPConnection("127.0.0.1", port)
    seconds, most = [], 0
    pipe.send(None)
    while not pipe.poll():
        start = time.perf_counter()
        connection.request("GET", "/v2/health/ready")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        seconds.append(time.perf_counter() - start)
        if len(seconds) % 4 == 0:
            most = max(most, usage.memory(pid).rss)
        time.sleep(0.005)
    pipe.send((sorted(seconds), most))


def measured(title: str, server: Predictor, load: Callable[[], Awaitable[str]]) -> None:
    """Run `load` while health is watched, and print the line."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    watching = processes.Process(target=watch, args=(server.http, server.process.pid, theirs))
    before = usage.memory(server.process.pid).rss
    watching.start()
    ours.recv()
    summary = asyncio.run(_run(load))
    ours.send(None)
    seconds, most = ours.recv()
    watching.join()
    percentiles = " / ".join(
        f"{1000 * seconds[min(len(seconds) - 1, int(len(seconds) * part))]:.1f}" for part in (0.5, 0.99, 1)
    )
    print(
        f"{title}: health {len(seconds)} times, {percentiles} ms; memory {before // MIB} → {most // MIB} MiB; "
        f"{summary}",
        flush=True,
    )


async def _run(load: Callable[[], Awaitable[str]]) -> str:
    return await load()


def million(server: Predictor, path: str) -> Callable[[], Awaitable[str]]:
    """One request of a million rows, as JSON."""

    async def load() -> str:
        body = b'{"instances":[' + b",".join([b"[5.1,3.5,1.4,0.2]"] * 10**6) + b"]}"
        status, _, seconds = await server.post(path, body)
        return f"{status} after {seconds:.2f} s for {len(body) // MIB} MiB"

    return load


def closed_loop(server: Predictor, path: str, connections: int, rows: int) -> Callable[[], Awaitable[str]]:
    """`connections` that each send their next request when the last was answered."""
    body = b'{"instances":[' + b",".join([b"[5.1,3.5,1.4,0.2]"] * rows) + b"]}"

    async def load() -> str:
        times: dict[str, list[float]] = {}
        end = time.perf_counter() + _SECONDS

        async def connection() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.http)
            while time.perf_counter() < end:
                status, seconds, _ = await exchange(reader, writer, path, body)
                times.setdefault(status, []).append(seconds)
            writer.close()

        await asyncio.gather(*(connection() for _ in range(connections)))
        texts = []
        for status, seconds in sorted(times.items()):
            seconds.sort()
            p50, p99 = (1000 * seconds[int(len(seconds) * part)] for part in (0.5, 0.99))
            texts.append(f"{len(seconds)} × {status} in {p50:.1f} / {p99:.1f} ms")
        return ", ".join(texts)

    return load


def stalled(server: Predictor, path: str) -> Callable[[], Awaitable[str]]:
    """200 connections that stop in the middle of a body, and single rows meanwhile."""

    async def load() -> str:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {8 * MIB}\r\n\r\n".encode()
        connections = [await asyncio.open_connection("127.0.0.1", server.http) for _ in range(200)]
        for _, writer in connections:
            writer.write(head + b"x" * 100_000)
        statuses: Counter[str] = Counter()
        for _ in range(200):
            statuses[(await server.post(path, b'{"instances":[[5.1,3.5,1.4,0.2]]}'))[0]] += 1
        for _, writer in connections:
            writer.close()
        return f"meanwhile {dict(statuses)}"

    return load


def bodies(server: Predictor, path: str) -> Callable[[], Awaitable[str]]:
    """100 bodies of nearly 16 MiB at once."""

    async def load() -> str:
        body = b'{"instances":[' + b",".join([b"[5.1,3.5,1.4,0.2]"] * 900_000) + b"]}"

        async def request() -> str:
            try:
                return (await server.post(path, body))[0]
            except OSError:  # refused in the middle of the body, and the answer lost with the connection
                return "reset"

        return str(dict(Counter(await asyncio.gather(*(request() for _ in range(100))))))

    return load


def messages(server: Predictor) -> Callable[[], Awaitable[str]]:
    """100 gRPC messages of nearly 16 MiB at once, each on a channel of its own."""

    async def load() -> str:
        message = b"\x3a" + _varint(15 * MIB) + bytes(15 * MIB)  # raw_input_contents, and nothing else
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]

        async def request() -> str:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc}", options) as channel:
                try:
                    await channel.unary_unary(GRPC_PATH)(message, timeout=60)
                except grpc.aio.AioRpcError as error:
                    return str(error.code().name)
            return "OK"

        return str(dict(Counter(await asyncio.gather(*(request() for _ in range(100))))))

    return load


def _varint(number: int) -> bytes:
    body = bytearray()
    while number > 0x7F:
        body.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*body, number])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """All of it, some thirty seconds."""
    with tempfile.TemporaryDirectory() as folder:
        model = package("logistic", logistic(), Path(folder))
        path = f"/v1/models/{model.name}:predict"
        with Predictor(model, _SETTINGS) as server:
            measured("a million rows of v1 JSON", server, million(server, path))
        with Predictor(model, _NARROW) as server:
            measured("4x overload, 1 row", server, closed_loop(server, path, 96, 1))
            measured("256 in a closed loop, 1 row", server, closed_loop(server, path, 256, 1))
            measured("256 in a closed loop, 5,000 rows", server, closed_loop(server, path, 256, 5000))
            measured("200 stalled", server, stalled(server, path))
        with Predictor(model, {"PREDICTOR_LOG_SAMPLING": "0", "PREDICTOR_ROWS": "1000000"}) as server:
            measured("100 bodies of 16 MiB", server, bodies(server, path))
        with Predictor(model, {"PREDICTOR_LOG_SAMPLING": "0"}) as server:
            measured("100 gRPC messages of 15 MiB", server, messages(server))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__).parse_args()
    main()
