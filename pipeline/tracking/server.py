"""The address of MLflow's server, and the error for a server that does not answer.

MLFLOW_TRACKING_URI names the server; without it runs go to a database in .mlflow/ of this folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock

from artifact.errors import StorageError
from pipeline.shared import paths

if TYPE_CHECKING:
    from pipeline.tracking.registry import Registry

# A server that is down is told apart within about a minute (MLflow's own defaults: six); set by the caller, they hold.
_BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}
_SECONDS = 600  # another process may be tracking a search
URI = "MLFLOW_TRACKING_URI"
Answer = TypeVar("Answer")


def ask(question: Callable[[Registry], Answer]) -> tuple[Answer, str]:
    """What the registry answers to `question`, and its address; StorageError (30) where it does not answer."""
    bound(_BOUNDS)
    uri = address()

    # Here, because MLflow reads the variables above when it is imported.
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    from pipeline.tracking.registry import Registry

    try:
        with _alone():
            return question(Registry(uri)), without_password(uri)
    except (MlflowException, RequestException, OSError) as error:
        raise StorageError(
            f"tracking at {without_password(uri)} failed: {str(error).replace(uri, without_password(uri))[:300]}; "
            f"start the server, correct {URI}, or unset it to track in {paths.TRACKING}/ here"
        ) from error


def _alone() -> AbstractContextManager[object]:
    """With the database of this folder, one process at a time: two that begin would both make its tables."""
    if os.environ.get(URI):
        return nullcontext()
    paths.TRACKING.mkdir(exist_ok=True)
    return FileLock(paths.TRACKING / "mlflow.lock", timeout=_SECONDS)


def address() -> str:
    """URI of the server that the environment names, or of the database of this folder, which may not be there yet."""
    return os.environ.get(URI) or f"sqlite:///{paths.TRACKING.resolve()}/mlflow.db"


def bound(settings: Mapping[str, str]) -> None:
    """Set MLflow's `settings` that the caller's environment lacks; before MLflow is imported, which reads them then."""
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


def without_password(uri: str) -> str:
    """`uri` without user name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else uri
