"""The pages on this machine, made anew for each look at them, with a form that asks a running predictor."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from artifact.errors import ModelpinError
from release.page import predictor_client, render
from release.page.render import Site

HOST = "127.0.0.1"
_LONGEST = 1 << 20  # bytes of a form
_TYPES = {".css": "text/css", ".html": "text/html; charset=utf-8", ".png": "image/png"}
# Nothing is loaded from elsewhere, no script runs, no other page shows this one in a frame.
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'"
)


def start(port: int, current_site: Callable[[], Site], predictor: str | None) -> ThreadingHTTPServer:
    """A server on `port` of this machine alone (0: any free one), to be run by `serve_forever`.

    `current_site`: the pages' content, asked for once a page. OSError when the port is taken.
    """

    class Handler(_Handler):
        site = staticmethod(current_site)
        predictor_url = predictor

    return ThreadingHTTPServer((HOST, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    site: Callable[[], Site]
    predictor_url: str | None
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > _LONGEST:
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", b"a form has a length of at most 1 MiB\n")
            return
        typed = self.rfile.read(int(length)).decode(errors="replace")
        self._answer(dict(parse_qsl(typed, keep_blank_values=True)))

    def _answer(self, typed: dict[str, str] | None) -> None:
        """The page of the path; `typed` into the form, None for a mere look."""
        if not self._is_own():
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"only pages of this machine may ask\n")
            return
        path = urlsplit(self.path).path.lstrip("/") or "index.html"
        try:
            site = self.site()
            body = self._form(site, typed) if path == render.FORM else _file(site, path)
        except ModelpinError as error:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", f"{error}\n".encode())
            return
        if body is None or (typed is not None and path != render.FORM):
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n")
            return
        self._send(HTTPStatus.OK, _TYPES[path[path.rindex(".") :]], body)

    def _is_own(self) -> bool:
        """Whether a page of this very server asks: another site could lead a browser here by its own name or form."""
        names = {f"{name}:{self.connection.getsockname()[1]}" for name in (HOST, "localhost")}
        origin = self.headers.get("origin")
        return self.headers.get("host") in names and (origin is None or urlsplit(origin).netloc in names)

    def _form(self, site: Site, typed: dict[str, str] | None) -> bytes:
        if self.predictor_url is None:
            return render.form(site).encode()
        served, answer, problem = None, None, None
        try:
            served = predictor_client.served(self.predictor_url)
            if typed is not None:
                body = served.body(typed)
                status, document = served.predict(body)
                answer = {"status": status, "document": document, "curl": served.curl(body)}
        except ModelpinError as error:
            problem = str(error)
        return render.form(site, served, typed, answer, problem).encode()

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        headers = {"content-type": kind, "content-length": str(len(body)), "content-security-policy": _POLICY}
        for name, value in (headers | {"cache-control": "no-store", "x-content-type-options": "nosniff"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a look at a page is no event."""


def _file(site: Site, path: str) -> bytes | None:
    pictures = site.pictures
    if path in pictures:
        return pictures[path]
    return next((text().encode() for name, text in render.pages(site) if name == path), None)
