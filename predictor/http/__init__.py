"""HTTP/1.1: the connection with its limits, the fast path of plain requests, and the ASGI layer for all others.

Both paths read requests by predictor.protocols. KServe's own application answers all routes but those of inference.
"""
