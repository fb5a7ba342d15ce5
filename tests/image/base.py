"""A base image for the Dockerfile where no image registry is in reach: Debian's files, this machine's Python.

buildah is told to take it where the Dockerfile's FROM names the real one, so that the Dockerfile is built unmodified.
"""

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.findall(r"^FROM .*?(\S+@sha256:[0-9a-f]{64}) AS", (ROOT / "Dockerfile").read_text(), re.M)[0]
STAND_IN = "localhost/python:base"
PYTHON = "python3.12"
LIBRARIES = "ca-certificates,libssl3,libffi8,zlib1g,libbz2-1.0,liblzma5,libsqlite3-0,libuuid1,libreadline8,libncursesw6"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CONTAINERFILE = """\
FROM scratch
ADD base.tar /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]
"""


class Missing(Exception):
    """What this machine lacks, in one line."""


def make(folder: Path) -> Path:
    """Write base.tar and a Containerfile into `folder` and return it; Missing when the parts are not here."""
    if shutil.which("debootstrap") is None:
        raise Missing(f"neither {NAME} nor debootstrap is here (apt-get install debootstrap)")
    release = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().replace('"', "").splitlines() if "=" in line
    )
    if release.get("ID") != "debian":
        raise Missing(f"{NAME} is not here, and a stand-in is made on Debian only")
    prefix = _prefix()
    rootfs = folder / "rootfs"
    _run("debootstrap", "--variant=minbase", f"--include={LIBRARIES}", release["VERSION_CODENAME"], str(rootfs))
    shutil.copy(CERTIFICATES, rootfs / CERTIFICATES.relative_to("/"))  # with the certificates of a proxy, if any
    for part in ("bin", "lib"):
        shutil.copytree(
            prefix / part,
            rootfs / "usr/local" / part,
            symlinks=True,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a"),
        )
    _run("chroot", str(rootfs), "ldconfig")
    _run("chroot", str(rootfs), "/usr/local/bin/python3", "-m", "ensurepip")
    with tarfile.open(folder / "base.tar", "w") as tar:
        tar.add(rootfs, ".")
    shutil.rmtree(rootfs)
    (folder / "Containerfile").write_text(CONTAINERFILE)
    return folder


def _prefix() -> Path:
    """Where a Python is installed that can be copied: 3.12, else the one that runs this (the artifact allows both)."""
    for python in filter(None, (shutil.which(PYTHON), sys.executable)):
        process = subprocess.run([python, "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True)
        if process.returncode == 0 and process.stdout.strip() != "/usr":
            return Path(process.stdout.strip())
    raise Missing(f"neither {NAME} nor a Python outside /usr is here")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{command[0]} failed: {(done.stdout + done.stderr)[-300:]}")
