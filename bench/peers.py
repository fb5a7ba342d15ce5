"""The servers of the comparison, each with one worker and its own defaults, and how to start each."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench import environments
from bench.package import Packaged
from bench.requests import Form

_SERVERS = Path(__file__).parent / "servers"
_QUIET = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {name: {"level": "WARNING"} for name in ("kserve", "kserve.trace", "uvicorn", "uvicorn.access")},
}


@dataclass(frozen=True)
class Ports:
    """Free ports of the loopback."""

    http: int
    grpc: int
    metrics: int


@dataclass(frozen=True)
class Launch:
    """A command, what it needs beyond the common environment, and where it runs."""

    command: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path = environments.ROOT


@dataclass(frozen=True)
class Site:
    """What the launches share: the work folder, whether servers log requests as they ship, arguments for ours.

    Environments are made when they are first asked for, so that a run of some servers installs no others.
    """

    work: Path
    logging: bool = True
    predictor_arguments: tuple[str, ...] = ()
    labels_only: bool = True

    @cached_property
    def kserve(self) -> Path:
        """The Python with KServe and FastAPI."""
        return environments.peer("kserve", self.work)

    @cached_property
    def mlserver(self) -> Path:
        """The Python with MLServer."""
        return environments.peer("mlserver", self.work)

    @cached_property
    def ours(self) -> tuple[Path, Path]:
        """The Python of the serving lock, and the folder with our packages."""
        return environments.ours(self.work)

    @cached_property
    def quiet(self) -> Path:
        """A logging configuration that leaves out a line a request."""
        path = self.work / "quiet.json"
        path.write_text(json.dumps(_QUIET))
        return path


@dataclass(frozen=True)
class Peer:
    """One server: its protocols, what its requests look like, how it starts."""

    name: str
    title: str
    protocols: frozenset[str]
    launch: Callable[[Site, Packaged, Ports], Launch]
    v1_frames: bool = False
    echoes: bool = False

    def form(self, site: Site) -> Form:
        """The form of its requests."""
        return Form(self.v1_frames, "label" if site.labels_only and self.name == "ours" else None)


def _kserve(site: Site, model: Packaged, ports: Ports) -> Launch:
    """KServe has no argument for the address: it listens on all of them.

    Python's warnings are off: today's FastAPI prints one at each of its requests, which says nothing about KServe.
    """
    command = [str(site.kserve), str(_SERVERS / "kserve_server.py"), f"--model_dir={model.joblib}"]
    command += [f"--model_name={model.name}", f"--http_port={ports.http}", f"--grpc_port={ports.grpc}"]
    quiet = [f"--log_config_file={site.quiet}", "--enable_latency_logging=false"]
    return Launch(command if site.logging else command + quiet, {"PYTHONWARNINGS": "ignore"})


def _mlserver(site: Site, model: Packaged, ports: Ports) -> Launch:
    """No pool of inference processes: one process is one worker, as everywhere else, and faster on one core."""
    folder = model.joblib.with_name("mlserver")
    folder.mkdir(exist_ok=True)
    settings = {
        "name": model.name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(model.joblib / "model.joblib")},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings))
    environ = {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(ports.http),
        "MLSERVER_GRPC_PORT": str(ports.grpc),
        "MLSERVER_METRICS_PORT": str(ports.metrics),
        "MLSERVER_PARALLEL_WORKERS": "0",
    }
    if not site.logging:
        environ["MLSERVER_DEBUG"] = "false"
    return Launch([str(site.mlserver.with_name("mlserver")), "start", str(folder)], environ, folder)


def _fastapi(site: Site, model: Packaged, ports: Ports) -> Launch:
    command = _uvicorn(str(site.kserve), ports, "--factory", "fastapi_server:create")
    return Launch(
        command if site.logging else [*command, "--no-access-log"], {"MODEL_FILE": str(model.joblib / "model.joblib")}
    )


def _echo(site: Site, model: Packaged, ports: Ports) -> Launch:
    return Launch(_uvicorn(sys.executable, ports, "--no-access-log", "--lifespan=off", "echo_server:app"))


def _ours(site: Site, model: Packaged, ports: Ports) -> Launch:
    python, folder = site.ours
    command = [str(python), "-m", "predictor", "--model_dir", str(model.artifact), "--model_name", model.name]
    command += ["--expected_digest", model.digest, "--host", "127.0.0.1"]
    command += ["--http_port", str(ports.http), "--grpc_port", str(ports.grpc), *site.predictor_arguments]
    return Launch(command, folder=folder)


def _uvicorn(python: str, ports: Ports, *arguments: str) -> list[str]:
    listen = ["--host=127.0.0.1", f"--port={ports.http}", f"--app-dir={_SERVERS}"]
    return [python, "-m", "uvicorn", *listen, *arguments]


PEERS = {
    peer.name: peer
    for peer in (
        Peer("kserve", "KServe", frozenset({"v1", "v2", "binary", "grpc"}), _kserve, v1_frames=True),
        Peer("mlserver", "MLServer", frozenset({"v2", "grpc"}), _mlserver),
        Peer("fastapi", "FastAPI", frozenset({"v1"}), _fastapi),
        Peer("floor", "ASGI echo", frozenset({"v1"}), _echo, echoes=True),
        Peer("ours", "ours", frozenset({"v1", "v2", "binary", "grpc"}), _ours),
    )
}
BASE = "kserve"  # what every ratio is to
