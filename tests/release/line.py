"""A line to the embedded S3 that fails as lines and servers do: one request a connection, one fault a request."""

import contextlib
import socket
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: 45\r\n\r\n"
    b"<Error><Code>SlowDown</Code></Error>         "
)
FAULTS = ("busy", "cut", "hang", "half", "lost", "spoilt upwards", "spoilt downwards")


class Line:
    """A relay to the S3 at `upstream`; request n meets the n-th of `faults`, those after the last one the last.

    busy: 503 · cut: closed unanswered · hang: open, unanswered · half: closed in the middle of the body · lost: done,
    but closed unanswered · spoilt: a bit of the body flipped on its way to the server, or to the client · none.
    (A cut in the middle of the head shows only under TLS: to Python's HTTP client it is the head's end.)
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self.faults: Sequence[str] = ()
        self.requests = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        for open_socket in (self._server, *self._open):
            open_socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._open.append(client)
            fault = self.faults[min(self.requests, len(self.faults) - 1)] if self.faults else "none"
            self.requests += 1
            threading.Thread(target=self._handle, args=(client, fault), daemon=True).start()

    def _handle(self, client: socket.socket, fault: str) -> None:
        if fault == "hang":
            return
        first = client.recv(65536)
        if fault == "busy":
            client.sendall(BUSY)
        elif fault != "cut":
            upstream = socket.create_connection(self._upstream)
            self._open.append(upstream)
            upstream.sendall(first)
            threading.Thread(target=self._upwards, args=(client, upstream, fault), daemon=True).start()
            self._downwards(upstream, client, fault, head=first.startswith(b"HEAD"))
            _hang_up(upstream)
        _hang_up(client)

    @staticmethod
    def _upwards(client: socket.socket, upstream: socket.socket, fault: str) -> None:
        try:
            while data := client.recv(65536):  # the head came before: this is the body
                upstream.sendall(_spoil(data) if fault == "spoilt upwards" else data)
        except OSError:
            pass

    @staticmethod
    def _downwards(upstream: socket.socket, client: socket.socket, fault: str, *, head: bool) -> None:
        stream = upstream.makefile("rb")
        try:
            while (line := stream.readline()).startswith(b"HTTP/1.1 100"):
                client.sendall(line + stream.readline())
            fields = [line]
            while fields[-1] not in (b"\r\n", b""):
                fields.append(stream.readline())
            lengths = [int(field[15:]) for field in fields if field.lower().startswith(b"content-length:")]
            body = b"" if head or not lengths else stream.read(lengths[0])
            if fault == "spoilt downwards" and body:
                body = _spoil(body)
            if fault == "half":
                body = body[: len(body) // 2]
            if fault != "lost":
                client.sendall(b"".join([*fields[:-1], b"Connection: close\r\n\r\n", body]))
        except OSError:
            pass


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)  # close alone waits for whoever reads from it in another thread
    connection.close()


def _spoil(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])
