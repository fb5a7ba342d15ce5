"""One HTTP request to a host of a cluster: through a gateway, by a private CA, with headers, along redirects."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Access:
    """How a host is reached: its scheme, the certificates (PEM) that sign its own, and headers with secrets."""

    scheme: str = "http"
    ca: str | None = None  # None: the certificates that this machine trusts
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


PLAIN = Access()


@dataclass(frozen=True)
class Reply:
    """What came back at the end of the redirects; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class RedirectRefused(OSError):
    """A redirect to another host, or from HTTPS to HTTP: what answers there is no evidence on this host."""


def request(
    url: SplitResult,
    host: str | None,
    access: Access,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = {},
    seconds: float = 60.0,
) -> Reply:
    """Send it to `url`, asking for `host` (default: that of the URL), and follow redirects on that host.

    A redirect is sent again as it was, body included. OSError, http.client.HTTPException.
    """
    name = host or url.hostname or ""
    scheme, port, path = url.scheme, url.port, f"{url.path.rstrip('/')}{path}"
    for _ in range(_MOST_REDIRECTS + 1):
        connection = _connection(url.hostname or "", port or _PORTS[scheme], scheme, name, access, seconds)
        try:
            # http.client names the URL's host itself, where no other one is given.
            named = {"Host": host} if host else {}
            connection.request(method, path, body, {**headers, **access.headers, **named})
            answer = connection.getresponse()
            reply = Reply(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()
        if reply.status not in _REDIRECTS or "location" not in reply.headers:
            return reply
        there = urlsplit(urljoin(f"{scheme}://{name}{path}", reply.headers["location"]))
        if there.hostname != name.partition(":")[0].lower() or (scheme, there.scheme) == ("https", "http"):
            raise RedirectRefused(f"redirected to {there.scheme}://{there.hostname}")
        if there.scheme not in _PORTS:
            raise RedirectRefused(f"redirected to {there.scheme}:")
        # Another scheme is at its own port, which the gateway has too; a port that is named is taken.
        port = there.port or (port if there.scheme == scheme else None)
        scheme, path = there.scheme, there.path + (f"?{there.query}" if there.query else "")
    raise RedirectRefused(f"redirected {_MOST_REDIRECTS} times")


class _NamedConnection(http.client.HTTPSConnection):
    """HTTPS to a gateway that shows the certificate of `name`, not its own."""

    def __init__(self, host: str, port: int, name: str, context: ssl.SSLContext, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds, context=context)
        self._name = name
        self._own_context = context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        sock: socket.socket = self.sock
        self.sock = self._own_context.wrap_socket(sock, server_hostname=self._name)


def _connection(
    host: str, port: int, scheme: str, name: str, access: Access, seconds: float
) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    context = ssl.create_default_context(cadata=access.ca)
    return _NamedConnection(host, port, name.partition(":")[0], context, seconds)
