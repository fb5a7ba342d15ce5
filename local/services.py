"""The services of a platform that is up, and what others must know to use them."""

import os
import shutil
from collections.abc import Callable
from typing import Self

from artifact import text_file
from local import git, signing_key
from local.s3 import S3
from local.state import PRIVATE, REPOSITORY, State, venvs
from local.tracking import Tracking
from release import settings


class Services:
    """S3 and MLflow as processes, and the Git origin, which is a folder; up between `start` and `stop`."""

    def __init__(self, state: State) -> None:
        self.state = state
        owned = settings.read(REPOSITORY)
        self._gitops_remote = owned.gitops_remote
        self._s3 = S3(state.s3, buckets=(owned.bucket,), region=owned.region)
        self._tracking = Tracking(state.mlflow)

    def start(self, say: Callable[[str], None]) -> None:
        """Returns when all of them answer; StorageError when one does not."""
        self.state.root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.state.runner / "work", ignore_errors=True)  # of a run that was killed
        origin = git.make_origin(self.state, self._gitops_remote)
        say(f"Git origin    {origin}")
        signing_key.of(self.state.signing_key)
        self._tracking.launch()  # the slower one starts while S3 does
        self._s3.start()
        say(f"S3            {self._s3.endpoint}")
        self._tracking.wait()
        say(f"MLflow        {self._tracking.url}")
        self._describe()

    def running(self) -> bool:
        """Whether every process still lives."""
        return self._s3.running() and self._tracking.running()

    def stop(self) -> None:
        """Returns when all are gone; what they stored stays. Safe to call twice."""
        self.state.description.unlink(missing_ok=True)
        self.state.env_file.unlink(missing_ok=True)
        self._tracking.interrupt()
        self._s3.stop()
        self._tracking.stop()

    def _describe(self) -> None:
        tracking = {"MLFLOW_TRACKING_URI": self._tracking.url}
        description = {
            "pid": os.getpid(),
            "urls": {"s3": self._s3.endpoint, "mlflow": self._tracking.url, "origin": str(self.state.origin)},
            "s3": self._s3.env,  # what the stand-in of aws-actions/configure-aws-credentials gives a job
            "venvs": str(venvs()),  # decided by who starts the platform, not by who pushes
            "variables": tracking,  # `vars` of the workflows, as set in a repository's settings on GitHub
        }
        text_file.write(self.state.description, text_file.readable_json(description), PRIVATE)
        self.state.write_env({**self._s3.env, **tracking, "MODELPIN_ORIGIN": str(self.state.origin)})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
