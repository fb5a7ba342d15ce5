"""HTTP/2 (RFC 9113) as gRPC needs it on the server's side, on the event loop, without a thread.

`frames` has the wire format, `head` reads a request's fields, `connection` is the protocol of one connection, `stream`
one request and its answer on it; `abuse` counts what a client makes this side do for nothing. Nothing here knows gRPC.
HPACK's compression is the `hpack` package's.
"""
