"""A worker of a Dask cluster, and the cluster that DASK_SCHEDULER_ADDRESS names, if any.

Run once a core, it becomes a worker that computes what a stage computes here, to the bit:

    python -m pipeline cluster tcp://scheduler:8786
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from artifact.environment import LIBRARIES
from artifact.errors import IncompatibleError, StorageError, UsageError
from pipeline.shared import code_digests, determinism

VARIABLE = "DASK_SCHEDULER_ADDRESS"
_SECONDS = 20.0
# Without a nanny, which would give its workers a hash seed of its own.
_OPTIONS = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard")


def main(argv: Sequence[str] | None = None) -> None:
    """Become `dask worker` in the environment that trainings run in."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0].startswith("-"):
        raise UsageError("name the scheduler: python -m pipeline cluster ADDRESS [options of `dask worker`]")
    command = [sys.executable, "-m", "dask", "worker", *words, *_OPTIONS]
    # Workers import pipeline, artifact and features from here.
    os.execve(sys.executable, command, {**os.environ, **determinism.ENVIRONMENT, "PYTHONPATH": str(_root())})


def address() -> str | None:
    """The address of the scheduler, None where work stays on this machine."""
    return os.environ.get(VARIABLE) or None


@contextmanager
def connected(address: str, training: bool = False) -> Iterator[Any]:
    """A client of the scheduler at `address`, once its workers are checked; with `training`, that they may train, too.

    StorageError (30) where no scheduler or worker answers; IncompatibleError (22) for workers of another environment.
    """
    from distributed import CancelledError, Client
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    remedy = f"start it (`dask scheduler`, `dask worker {address}`), correct {VARIABLE}, or unset it to work here"
    try:
        client: Any = Client(address, timeout=_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise StorageError(f"no Dask scheduler answers at {address} ({type(error).__name__}); {remedy}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError as error:
            raise StorageError(f"the Dask scheduler at {address} has no worker; {remedy}") from error
        _check(client, training)
        try:
            yield client
        except (CommClosedError, KilledWorker, CancelledError) as error:
            raise StorageError(f"the Dask cluster at {address} was lost: {error}; run this again") from error


@contextmanager
def parallel(address: str | None, backend: str, n_jobs: int) -> Iterator[None]:
    """joblib's work on the cluster of the scheduler at `address`; without one, here, by `backend` and `n_jobs`."""
    import joblib

    if address is None:
        with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
            yield
    else:
        with connected(address, training=True) as client, joblib.parallel_config("dask", client=client):
            yield


def facts() -> dict[str, Any]:
    """What decides the bits that this process computes: versions, code, environment."""
    return {
        "libraries": {name: metadata.version(name) for name in (*LIBRARIES, "pandas", "pyarrow")},
        "code": code_digests.digests((*code_digests.ARTIFACT, "scoring"), _root()),
        "environment": {name: os.environ.get(name) for name in determinism.ENVIRONMENT},
    }


def _check(client: Any, training: bool) -> None:
    try:
        workers: Mapping[str, Mapping[str, Any]] = client.run(facts)
    except Exception as error:  # whatever importing this module there raises
        raise _unfit("the workers", f"cannot run this code ({type(error).__name__}: {error})") from error
    local_facts = facts() | {"environment": determinism.ENVIRONMENT}
    for worker, there in workers.items():
        for kind in ("libraries", "code", "environment") if training else ("libraries", "code"):
            for name, value in local_facts[kind].items():
                if there[kind].get(name) != value:
                    raise _unfit(f"the worker {worker}", f"has {name} {there[kind].get(name)!r}, here it is {value!r}")


def _unfit(who: str, problem: str) -> IncompatibleError:
    return IncompatibleError(
        f"{who} {problem}; start workers with `python -m pipeline cluster ADDRESS`, in a checkout of "
        "this commit with this lock"
    )


def _root() -> Path:
    return Path(__file__).resolve().parents[2]
