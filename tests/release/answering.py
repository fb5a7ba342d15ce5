"""A server that answers as a predictor does for a ready model, with whatever digest it is told."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Answering:
    """Serves on 127.0.0.1 within `with`; `asked` holds (host, path) of each request."""

    def __init__(self) -> None:
        self.digest: str | None = None
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answering.asked.append((self.headers["Host"], self.path))
                self.send_response(answering.status)
                if answering.digest is not None:
                    self.send_header("x-model-digest", answering.digest)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
