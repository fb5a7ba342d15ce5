"""A built image: how to run it as a cluster would, and the tool that builds it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import ports


@dataclass(frozen=True)
class Image:
    """A built image, mounted at `files`; `config` is its OCI configuration."""

    files: Path
    config: dict[str, Any]
    environment: dict[str, str]

    def start(self, model: Path, port: int, **environment: str) -> subprocess.Popen[str]:
        """Its entry point as its user, on a read-only root file system, with `model` read-only at /mnt/models.

        The network is the machine's own, so that a test can ask it at `port`.
        """
        script = """\
set -e
mount --bind "$ROOTFS" "$ROOTFS"
mount --bind "$MODEL" "$ROOTFS/mnt/models"
mount -o remount,ro,bind "$ROOTFS/mnt/models"
mount --rbind /dev "$ROOTFS/dev"
mount -t proc proc "$ROOTFS/proc"
mount -o remount,ro,bind "$ROOTFS"
rootfs=$ROOTFS user=$IMAGE_USER
unset ROOTFS MODEL IMAGE_USER
exec /usr/sbin/chroot --userspec="$user" "$rootfs" "$@"
"""
        (grpc,) = ports.free(1)
        command = [*self.config["Entrypoint"], "--model_dir", "/mnt/models", "--model_name", "flower"]
        command += ["--http_port", str(port), "--grpc_port", str(grpc)]
        return subprocess.Popen(
            [
                "unshare",
                "--mount",
                "sh",
                "-c",
                script,
                "sh",
                *command,
                "--http_port",
                str(port),
                "--grpc_port",
                str(grpc),
            ],
            env=self.environment
            | environment
            | {"ROOTFS": str(self.files), "MODEL": str(model), "IMAGE_USER": self.config["User"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@dataclass(frozen=True)
class Buildah:
    """buildah with its images and containers in `folder`: it sees no others and leaves none."""

    folder: Path

    def run(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Standard output of one buildah command; empty when it fails and `check` is off."""
        storage = ["--root", str(self.folder / "root"), "--runroot", str(self.folder / "run")]
        done = subprocess.run(["buildah", *storage, *arguments], cwd=cwd, capture_output=True, text=True)
        if done.returncode and check:
            pytest.fail(f"buildah {arguments[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")
        return "" if done.returncode else done.stdout
