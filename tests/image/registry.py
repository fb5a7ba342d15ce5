"""A real registry on loopback, and small images in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from image.registry import VERSION
from local.ports import free
from tests.deadlines import START_SECONDS

PROGRAMS = ("docker-registry", "skopeo", "openssl")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Debian's docker-registry with its files in `folder`: `127.0.0.1:PORT`. Skips where a program is not here.

    Within it HOME has a file for skopeo, which then talks HTTP to it, as gh does to any registry on loopback.
    """
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"a registry takes {' '.join(missing)}: apt-get install docker-registry skopeo openssl")
    (port,) = free(1)
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "files")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))  # JSON is YAML
    plain = folder / "home/.config/containers/registries.conf"
    plain.parent.mkdir(parents=True)
    plain.write_text(f'[[registry]]\nlocation = "127.0.0.1:{port}"\ninsecure = true\n')
    before = os.environ["HOME"]
    os.environ["HOME"] = str(folder / "home")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["docker-registry", "serve", folder / "config.json"], stdout=log, stderr=log) as process,
    ):
        try:
            _wait(process, f"http://127.0.0.1:{port}/v2/")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            os.environ["HOME"] = before


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the registry ended"
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("the registry does not answer")


def layout(folder: Path, version: str, contents: str = "") -> str:
    """Write an OCI layout with an index of two images that say they were built from `version`; the index's digest."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(value: object) -> dict[str, object]:
        data = json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    images = []
    for architecture in ("amd64", "arm64"):
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": {VERSION: version, "contents": contents}},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(config)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
        platform = {"architecture": architecture, "os": "linux"}
        images.append({"mediaType": MANIFEST, "platform": platform, **blob(manifest)})
    index = {"mediaType": INDEX, **blob({"schemaVersion": 2, "mediaType": INDEX, "manifests": images})}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
    return str(index["digest"])


def tags(server: str) -> dict[str, str]:
    """Tag → digest of the repository `predictor`, without those that list attestations."""
    with urllib.request.urlopen(f"http://{server}/v2/predictor/tags/list", timeout=60) as answer:
        names = [name for name in json.load(answer)["tags"] if not name.startswith("sha256-")]
    present = {}
    for name in names:
        request = urllib.request.Request(f"http://{server}/v2/predictor/manifests/{name}", headers={"Accept": INDEX})
        with urllib.request.urlopen(request, timeout=60) as answer:
            present[name] = answer.headers["Docker-Content-Digest"]
    return present
