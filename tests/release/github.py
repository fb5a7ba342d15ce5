"""A GitHub for the real `gh`: its REST API, as far as our commands use it, on loopback.

GitHub itself cannot run here. This keeps what is written and gives it back as GitHub does: the paths, the methods, the
names of the fields, 404 for what is not there, 422 for what GitHub refuses. `gh` takes `github.localhost` for a GitHub
that speaks HTTP, and finds it through the proxy's variable.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

REPOSITORY = "acme/ml"
Answer = tuple[int, Any]


class GitHub:
    """Serves within `with`; `calls` has (method, path) of each request, `objects` what was written, by its path."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        home = f"repos/{REPOSITORY}"
        self.objects: dict[str, Any] = {
            home: {"id": 1234, "owner": {"id": 56, "login": "acme"}, "default_branch": "main", "full_name": REPOSITORY}
        }
        github = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                path = self.path.partition("github.localhost/")[2]
                status, answer = github._answer(self.command, path, json.loads(self._body() or b"null"))
                data = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def env(self) -> dict[str, str]:
        """What makes `gh` ask this server, and find it beside the interpreter that runs the tests."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "GH_HOST": "github.localhost",
            "GH_ENTERPRISE_TOKEN": "token",
            "GH_TOKEN": "token",
            "GH_CONFIG_DIR": "/nonexistent",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "http_proxy": f"http://127.0.0.1:{self._server.server_port}",
        }

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [call for call in self.calls if call[0] != "GET"]

    def _answer(self, method: str, path: str, body: Any) -> Answer:
        path = path.partition("?")[0]
        self.calls.append((method, path))
        if method == "GET":
            return (200, self.objects[path]) if path in self.objects else (404, {"message": "Not Found"})
        if method == "DELETE":
            return (204, None) if self.objects.pop(path, None) is not None else (404, {"message": "Not Found"})
        return 200, self.objects.setdefault(path, {}) | (body or {})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
