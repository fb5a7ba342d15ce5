"""Plays KServe's storage initializer, with KServe's own code in an environment of its own (requirements/storage.txt).

    python -m local.storage URI FOLDER

The S3 endpoint, the keys and the region come from the environment, by the names that KServe's webhook gives the
container: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION. (boto3 addresses buckets by
path where the endpoint is an IP address.) As in a cluster nothing is verified here: that is the predictor's part.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from artifact.command import run
from artifact.errors import StorageError
from local import process, venv
from local.state import environment

DOWNLOAD = "import sys; from kserve_storage import Storage; Storage.download(sys.argv[1], sys.argv[2])"
S3_NAMES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m local.storage", description=__doc__.partition("\n")[0])
    parser.add_argument("uri", help="storageUri of an InferenceService")
    parser.add_argument("folder", type=Path, help="where the model is put (/mnt/models in a pod)")
    options = parser.parse_args(argv)
    download(options.uri, options.folder, os.environ, print)


def download(uri: str, folder: Path, s3: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Fetches everything under `uri` into `folder`; StorageError with the initializer's last words when it cannot.

    `s3`: a mapping that holds what S3_NAMES names; `say` gets each line that the initializer prints.
    """
    python = venv.path("storage", say) / "bin" / "python"
    env = environment({name: s3[name] for name in S3_NAMES if name in s3})
    code, lines = process.run("the storage initializer", [python, "-c", DOWNLOAD, uri, folder], say, env=env)
    if code:
        words = lines[-1] if lines else f"exit code {code}"
        raise StorageError(f"the storage initializer cannot fetch {uri}: {words}")


if __name__ == "__main__":
    run(main)
