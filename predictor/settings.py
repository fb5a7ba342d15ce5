"""The settings of the predictor, read once from flags and environment variables. docs/predictor.md lists the same."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from artifact import digest
from artifact.errors import ConfigurationError

PREFIX = "PREDICTOR_"


def _setting(default: Any, text: str, least: float | None = None, most: float | None = None) -> Any:
    return field(default=default, metadata={"help": text, "least": least, "most": most})


@dataclass(frozen=True)
class Settings:
    """Where to listen, and every limit. A field `body_bytes` is the flag --body_bytes and PREDICTOR_BODY_BYTES."""

    host: str = _setting("0.0.0.0", "the address to listen on")  # noqa: S104  # a pod's only one
    http_port: int = _setting(8080, "the port of v1, v2 and /metrics", 1, 65535)
    grpc_port: int = _setting(8081, "the port of v2 over gRPC", 1, 65535)
    body_bytes: int = _setting(8 << 20, "bytes of one body or gRPC message; more is 413", 1)
    rows: int = _setting(100_000, "rows of one request; more is 413", 1)
    explain_rows: int = _setting(1000, "rows of one request for explanations, 0 for none; more is 413", 0)
    header_bytes: int = _setting(32 << 10, "bytes of a request's line and headers; more is 431", 256)
    header_seconds: float = _setting(10.0, "time for a request's line and headers; then the connection ends", 0.01)
    body_seconds: float = _setting(30.0, "time for a body; then 408", 0.01)
    send_seconds: float = _setting(30.0, "time for a client to take an answer; then the connection ends", 0.01)
    idle_seconds: float = _setting(65.0, "time an HTTP connection may stay open without a request", 0.01)
    grpc_idle_seconds: float = _setting(600.0, "time a gRPC connection may stay open without a call", 0.01)
    connections: int = _setting(800, "connections open at once, on each port", 1)
    concurrency: int = _setting(128, "requests in work at once", 1)
    queue: int = _setting(256, "requests that may wait for that; more is 503", 0)
    heavy_bytes: int = _setting(256 << 10, "a body over this is worked on off the event loop, one at a time", 1)
    heavy_queue: int = _setting(16, "heavy requests that may wait for that; more is 503", 0)
    work_seconds: float = _setting(30.0, "time for the work on a request off the event loop; then 413", 0.01)
    buffered_bytes: int = _setting(64 << 20, "bytes of all bodies and unread answers in memory; more is 503", 1)
    drain_seconds: float = _setting(2.0, "after SIGTERM, time to answer on while routers notice", 0)
    grace_seconds: float = _setting(25.0, "after SIGTERM, time after which the process ends whatever runs", 0.1)
    fast_path: str = _setting("on", "answer plain requests together and without ASGI: on, or off to compare")
    announce: str = _setting("on", "one line at the start says what is served and where: on, or off")
    log_sampling: float = _setting(1.0, "share of requests with a log line, 0 for none; a 500 always has one", 0, 1)
    inference_log: str = _setting("off", "a folder for the rows and answers of some requests, or off")
    inference_share: float = _setting(0.1, "share of the requests that are logged there", 0, 1)
    inference_bytes: int = _setting(64 << 20, "bytes of files there that wait to be shipped; more is dropped", 1)
    inference_without: str = _setting("none", "inputs that this log leaves out, with commas between them, or none")
    inference_hashed: str = _setting(
        "none", "inputs of which this log has a keyed hash, with commas between them, or none"
    )
    inference_key_file: str = _setting("none", "a file with the key of those hashes, 16 bytes or more, or none")
    signers: str = _setting(
        "off", "a file of signers, one of whom must have signed the model, or it is refused; or off"
    )

    def __post_init__(self) -> None:
        for setting in fields(self):
            value, least, most = getattr(self, setting.name), setting.metadata["least"], setting.metadata["most"]
            if least is None:
                continue
            if not math.isfinite(value) or value < least or (most is not None and value > most):
                upper = "" if most is None else f" and at most {most}"
                raise ConfigurationError(f"{setting.name} is {value}; give a number of at least {least}{upper}")
        for name in ("fast_path", "announce"):
            if (value := getattr(self, name)) not in ("on", "off"):
                raise ConfigurationError(f"{name} is {value[:40]!r}; give on or off")
        if self.drain_seconds >= self.grace_seconds:
            raise ConfigurationError(
                f"drain_seconds {self.drain_seconds:g} leaves nothing of grace_seconds {self.grace_seconds:g}; lower it"
            )
        if self.buffered_bytes < self.body_bytes:
            raise ConfigurationError(
                f"buffered_bytes {self.buffered_bytes} holds no body of body_bytes {self.body_bytes}; raise it"
            )


@dataclass(frozen=True)
class Source:
    """The model to serve: where the storage initializer put it, and what it must be."""

    model_dir: Path
    model_name: str
    expected_digest: str | None
    allow_unpinned: bool
    release: str | None = None  # name in Git of this model with this image; None where no release is served
    signers: Path | None = None  # the file of who may have signed it; None where no signature is asked for


def read(argv: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> tuple[Source, Settings]:
    """From the command line, then the environment, then the defaults.

    gitops/ sets two variables: MODEL_URI names the digest, MODEL_RELEASE the release.
    Raises ConfigurationError (10) for a value that cannot be, and where flag and MODEL_URI name different artifacts.
    """
    parser = argparse.ArgumentParser(
        prog="python -m predictor", description="Serve one verified model over KServe's v1 and v2."
    )
    parser.add_argument("--model_dir", type=Path, required=True, help="where the storage initializer put the artifact")
    parser.add_argument("--model_name", required=True, help="the model's name; the manifest must have the same")
    parser.add_argument("--expected_digest", help="sha256-<64 hex>; default: the last segment of MODEL_URI")
    parser.add_argument("--allow-unpinned", action="store_true", help="serve whatever is there: for a laptop only")
    for setting in fields(Settings):
        help_text = f"{setting.metadata['help']} (default {setting.default}; {PREFIX}{setting.name.upper()})"
        parser.add_argument(f"--{setting.name}", type=type(setting.default), help=help_text)
    arguments = parser.parse_args(argv)
    values = {
        setting.name: _value(setting.name, type(setting.default), arguments, environment)
        for setting in fields(Settings)
    }
    settings = Settings(**{name: value for name, value in values.items() if value is not None})
    expected = _expected(arguments.expected_digest, arguments.model_name, environment.get("MODEL_URI"))
    release = _release(arguments.model_name, environment.get("MODEL_RELEASE"))
    signers = None if settings.signers == "off" else Path(settings.signers)
    unpinned = arguments.allow_unpinned
    return Source(arguments.model_dir, arguments.model_name, expected, unpinned, release, signers), settings


def _value(name: str, kind: type, arguments: argparse.Namespace, environment: Mapping[str, str]) -> Any:
    if (flag := getattr(arguments, name)) is not None:
        return flag
    text = environment.get(PREFIX + name.upper())
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise ConfigurationError(f"{PREFIX}{name.upper()} is {text!r}; give a value like the default") from None


def _expected(flag: str | None, model: str, uri: str | None) -> str | None:
    expected = None if flag is None else digest.parse(flag)
    if not uri:
        return expected
    named = digest.ArtifactUri.parse(uri)
    if expected not in (None, named.digest):
        raise ConfigurationError(f"--expected_digest {expected} and MODEL_URI {uri} name different artifacts; give one")
    if named.model != model:
        raise ConfigurationError(f"--model_name {model!r} is not the model of MODEL_URI {uri}")
    return named.digest


def _release(model: str, name: str | None) -> str | None:
    if not name:
        return None
    # It becomes a header: a line break in it would become another one.
    if not re.fullmatch(re.escape(model) + "-[0-9a-f]{8}", name):
        raise ConfigurationError(
            f"MODEL_RELEASE {name[:80]!r} is not the name of a release of {model!r}: expected {model}-<8 hex>"
        )
    return name
