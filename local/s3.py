"""The embedded S3: SeaweedFS on loopback, with real keys, in one folder."""

import json
import os
import secrets
import shutil
import string
import urllib.request
from pathlib import Path
from typing import Any, Self

from artifact.errors import StorageError
from local import ports, program
from local.deadlines import START_SECONDS
from local.process import Process

REGION = "eu-west-1"
GRPC = 10_000  # `weed mini` finds its own gRPC servers only at this distance from their HTTP ports
SERVERS = ("s3", "master", "volume", "filer", "admin")


class S3:
    """One SeaweedFS. Keys, ports, objects and log live in `folder`; the next start on it finds all of them again."""

    def __init__(
        self, folder: Path, *, buckets: tuple[str, ...] = (), region: str = REGION, iam: Path | None = None
    ) -> None:
        """`iam`: SeaweedFS's file of roles, policies and token issuers, for who comes without the platform's keys."""
        self.folder = folder.resolve()
        self._iam = iam
        self._buckets = buckets
        self._region = region
        self._process: Process | None = None
        self._ports: dict[str, int] = {}

    @property
    def endpoint(self) -> str:
        """URL without a path, for AWS_ENDPOINT_URL."""
        return f"http://{ports.LOOPBACK}:{self._ports['s3']}"

    @property
    def env(self) -> dict[str, str]:
        """All that boto3, DVC and KServe's storage initializer need in the environment."""
        access, secret = self._keys()
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,  # boto3 itself reads this one
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        """A boto3 S3 client with the platform's keys."""
        import boto3  # half a second, which a start that needs no client saves

        access, secret = self._keys()
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            region_name=self._region,
        )

    def start(self) -> None:
        """Returns when S3 answers and its buckets exist; StorageError after three attempts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self._config()
        for attempt in (1, 2, 3):  # another process may take a port between our look and its start
            self._ports = self._choose_ports(again=attempt > 1)
            (self.folder / "data").mkdir(exist_ok=True)
            self._remove_sockets()  # of a start that was killed
            # weed keeps the options of the last start here, its ports among them.
            (self.folder / "data" / "mini.options").unlink(missing_ok=True)
            self._process = Process(
                "the embedded S3",
                [program.find("weed"), "mini", *self._options(config)],
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "TMPDIR": str(self._temporary())},
                cwd=self.folder,
                log=self.folder / "weed.log",
            )
            try:
                self._process.wait_until(self._answers, seconds=START_SECONDS)
                return
            except StorageError:
                self.stop()
                if attempt == 3:
                    raise

    def stop(self) -> None:
        """Returns when the server is gone. Safe to call twice."""
        if self._process:
            self._process.stop()
            self._process = None
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        for name, port in self._ports.items():  # weed makes these in /tmp, wherever it is told to keep its files
            for socket in (f"{name}-{port}", f"{name}-grpc-{port + GRPC}"):
                Path(f"/tmp/seaweedfs-{socket}.sock").unlink(missing_ok=True)  # noqa: S108  # weed's choice

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _options(self, config: Path) -> list[str]:
        options = [
            f"-dir={self.folder / 'data'}",
            f"-ip={ports.LOOPBACK}",
            f"-ip.bind={ports.LOOPBACK}",
            "-master.telemetry=false",
            "-webdav=false",
            "-admin.ui=false",
            f"-s3.config={config}",
            "-s3.autoCreateBucket=false",  # as AWS: a bucket that does not exist is an error
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.volumeSizeLimitMB=64",  # each bucket takes some volumes: many small ones never run out
            "-volume.max=4096",
            "-volume.preStopSeconds=0",
        ]
        for name, port in self._ports.items():
            options += [f"-{name}.port={port}", f"-{name}.port.grpc={port + GRPC}"]
        if self._iam:
            options.append(f"-s3.iam.config={self._iam}")
        if self._buckets:
            options.append(f"-bucket={','.join(self._buckets)}")
        return options

    def _choose_ports(self, *, again: bool) -> dict[str, int]:
        """Those of the last start when they are free: people keep the endpoint in their shell."""
        file = self.folder / "ports.json"
        if file.exists() and not again:
            numbers: dict[str, int] = json.loads(file.read_text())
            if all(ports.is_free(port) and ports.is_free(port + GRPC) for port in numbers.values()):
                return numbers
        numbers = dict(zip(SERVERS, ports.free(len(SERVERS), also=[GRPC]), strict=True))
        file.write_text(json.dumps(numbers))
        return numbers

    def _answers(self) -> bool:
        log = (self.folder / "weed.log").read_text(errors="replace")
        if log.rfind("running and ready to use") < log.rfind("Starting SeaweedFS"):  # the buckets exist from here on
            return False
        # It says so up to 4 s before its master knows of the volumes; until then a stored object is an internal error.
        status = f"http://{ports.LOOPBACK}:{self._ports['master']}/dir/status"
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(status, timeout=1) as answer:
                return bool(json.load(answer)["Topology"]["DataCenters"])
        except OSError:
            return False

    def _keys(self) -> tuple[str, str]:
        credentials = json.loads(self._config().read_text())["identities"][0]["credentials"][0]
        return credentials["accessKey"], credentials["secretKey"]

    def _config(self) -> Path:
        """weed's file of identities, made with random keys at the first start; nobody else can read it."""
        file = self.folder / "identities.json"
        if not file.exists():
            letters = string.ascii_uppercase + string.digits
            keys = {
                "accessKey": "LOCAL" + "".join(secrets.choice(letters) for _ in range(15)),
                "secretKey": secrets.token_hex(20),
            }
            actions = ["Admin", "Read", "Write", "List", "Tagging"]
            text = json.dumps({"identities": [{"name": "local", "credentials": [keys], "actions": actions}]})
            self.folder.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(text)
        return file

    def _temporary(self) -> Path:
        folder = self.folder / "tmp"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
