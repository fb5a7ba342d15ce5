"""gRPC: the server, KServe's servicer with strict reading, the limits of a message, and a stop that cancels no call.

The library of the same name is always imported as `grpc`, this room as `predictor.grpc`.
"""
