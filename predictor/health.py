"""Health and the model's metadata, over REST and over gRPC (KServe's calls and grpc.health.v1). These requests pass no
queue, so that they are answered however busy the model is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from predictor import errors
from predictor.grpc.methods import Method
from predictor.serving.lifecycle import Lifecycle

NOT_READY = "the server is stopping; another replica will answer"
_SERVICE = "grpc.health.v1.Health"
_INFERENCE = "inference.GRPCInferenceService"
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


class Probes:
    """What GET answers on REST's health and metadata routes: KServe's form, but the real state of the model.

    The bodies are made once: to encode the metadata of 5,000 features at each request would hold up the event loop.
    """

    def __init__(self, lifecycle: Lifecycle) -> None:
        name, digest = lifecycle.model.name, lifecycle.model.digest
        server, model = b'{"ready":true}', orjson.dumps({"name": name, "ready": True})
        self._lifecycle = lifecycle
        metadata = orjson.dumps(lifecycle.model.metadata())
        self._always = {
            "/": b'{"status":"alive"}',
            "/v2/health/live": b'{"live":true}',
            f"/v2/models/{name}": metadata,
            f"/v2/models/{name}/versions/{digest}": metadata,
        }
        self._ready = {
            "/v2/health/ready": server,
            f"/v1/models/{name}": model,
            f"/v2/models/{name}/ready": model,
            f"/v2/models/{name}/versions/{digest}/ready": model,
        }

    def answer(self, path: str) -> tuple[bytes, errors.NotReady | None] | None:
        """The body, and the error where it says that the model is not ready; None for a path of no probe."""
        if (body := self._always.get(path)) is not None:
            return body, None
        if (body := self._ready.get(path)) is None:
            return None
        return body, None if self._lifecycle.ready else errors.NotReady(NOT_READY)


def _messages() -> tuple[Any, Any]:
    """HealthCheckRequest and HealthCheckResponse of grpc.health.v1, without the package that generates them."""
    file = descriptor_pb2.FileDescriptorProto(name="grpc/health/v1/health.proto", package="grpc.health.v1")
    file.syntax = "proto3"
    request = file.message_type.add(name="HealthCheckRequest")
    request.field.add(name="service", number=1, type=9, label=1)  # optional string
    response = file.message_type.add(name="HealthCheckResponse")
    response.enum_type.add(name="ServingStatus").value.extend(
        descriptor_pb2.EnumValueDescriptorProto(name=name, number=number) for number, name in enumerate(_STATUSES)
    )
    response.field.add(
        name="status", number=1, type=14, label=1, type_name=".grpc.health.v1.HealthCheckResponse.ServingStatus"
    )
    pool = descriptor_pool.DescriptorPool()  # its own: the generated module may be imported beside it
    pool.Add(file)
    messages = [pool.FindMessageTypeByName(f"grpc.health.v1.{name}") for name in (request.name, response.name)]
    return message_factory.GetMessageClass(messages[0]), message_factory.GetMessageClass(messages[1])


class HealthServicer:
    """grpc.health.v1: the server (empty name), the inference service, and the model by its name."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._services = ("", _INFERENCE, lifecycle.model.name)
        self._request, self._response = _messages()

    async def check(self, request: Any, context: Any) -> Any:
        """One answer; NOT_FOUND for an unknown service."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service; ask for the empty name, or the model's")
        return self._now()

    async def watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The status now and at its one change, when the process drains. That ends the call, or the server could not
        end.
        """
        if request.service not in self._services:
            yield self._response(status=_STATUSES.index("SERVICE_UNKNOWN"))
            await self._lifecycle.draining.wait()
            return
        yield self._now()
        if not self._lifecycle.draining.is_set():
            await self._lifecycle.draining.wait()
            yield self._now()

    def methods(self) -> dict[str, Method]:
        """The service's methods, by path."""
        read: Callable[[bytes], Any] = self._request.FromString
        return {f"/{_SERVICE}/Check": Method(read, self.check), f"/{_SERVICE}/Watch": Method(read, stream=self.watch)}

    def _now(self) -> Any:
        return self._response(status=_STATUSES.index("SERVING" if self._lifecycle.ready else "NOT_SERVING"))
