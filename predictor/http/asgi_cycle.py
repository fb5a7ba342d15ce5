"""Makes uvicorn's cycle of the ASGI application for a request whose head the fast path has read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from predictor.http.body import CONNECTION
from predictor.http.closing import Connection


def asgi_cycle(connection: Connection, url: bytes, headers: list[tuple[bytes, bytes]]) -> RequestResponseCycle:
    """The cycle of a POST to `url` on `connection`; its body is still empty, and it is not started."""
    scope: Any = {
        "type": "http",
        "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
        "http_version": "1.1",
        "server": connection.server,
        "client": connection.client,
        "scheme": connection.scheme,
        "root_path": connection.root_path,
        "headers": headers,
        "state": connection.app_state.copy(),
        "method": "POST",
        "path": url.decode("ascii"),
        "raw_path": url,
        "query_string": b"",
        "extensions": {CONNECTION: connection},
    }
    return RequestResponseCycle(
        scope=scope,
        transport=connection.answers,  # type: ignore[arg-type]  # as much of one as a cycle uses
        flow=connection.flow,
        logger=connection.logger,
        access_logger=connection.access_logger,
        access_log=connection.access_log,
        default_headers=connection.server_state.default_headers,
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=connection.on_response_complete,
    )
