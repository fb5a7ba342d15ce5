"""What is read of kind's and Docker's answers; docker and kind are scripts here."""

import os
from pathlib import Path

import pytest

from artifact.errors import StorageError
from local.cluster.node import Node
from local.state import State

# `docker network inspect kind` of Docker Engine 28, as far as it is read.
NETWORK = '[{"IPAM": {"Config": [{"Subnet": "fc00::/64", "Gateway": "fc00::1"}, {"Gateway": "172.18.0.1"}]}}]'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def script(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_pods_reach_the_bridge_of_docker_engine(programs: Path) -> None:
    """Its IPv4 gateway, which is an address of this machine that a server can listen on."""
    script(programs, "docker", f"case $1 in exec) exit 2;; network) echo '{NETWORK}';; esac")
    assert Node(State(programs)).host_addresses() == ("172.18.0.1", "172.18.0.1")


def test_pods_reach_docker_desktop_by_its_name(programs: Path) -> None:
    """The address that Docker Desktop has for this machine leads to a server on loopback."""
    script(programs, "docker", "echo '192.168.65.254 STREAM host.docker.internal'")
    assert Node(State(programs)).host_addresses() == ("192.168.65.254", "127.0.0.1")


def test_a_network_without_an_address_is_said(programs: Path) -> None:
    """What has to be looked at."""
    script(programs, "docker", """case $1 in exec) exit 2;; network) echo '[{"IPAM": {"Config": []}}]';; esac""")
    with pytest.raises(StorageError, match="docker network inspect kind"):
        Node(State(programs)).host_addresses()


def test_an_image_runs_by_the_digest_that_the_node_gives_it(programs: Path) -> None:
    """containerd's digest of the loaded image, under the name by which Git names it."""
    digest = f"sha256:{'a' * 64}"
    listed = f"docker.io/modelpin/predictor:local application/x {digest} 90 MiB linux/amd64 -"
    script(programs, "kind", "exit 0")
    script(
        programs, "docker", f'echo "$@" >> {programs}/calls; case "$*" in *" ls "*) echo "REF"; echo "{listed}";; esac'
    )
    assert Node(State(programs)).load("modelpin/predictor:local", "r.example.com/p") == digest
    assert (
        f"tag --force docker.io/modelpin/predictor:local r.example.com/p@{digest}" in (programs / "calls").read_text()
    )


def test_an_image_that_did_not_arrive_is_said(programs: Path) -> None:
    """Which image it is."""
    script(programs, "kind", "exit 0")
    script(programs, "docker", "echo REF TYPE DIGEST")
    with pytest.raises(StorageError, match=r"no image docker\.io/modelpin/predictor:local"):
        Node(State(programs)).load("modelpin/predictor:local", "r.example.com/p")


def test_a_program_that_fails_is_named(programs: Path) -> None:
    """The command, its exit code, and its last words."""
    script(programs, "kind", "echo first; echo no room >&2; exit 7")
    with pytest.raises(StorageError, match="`kind get clusters` ended with exit code 7: no room"):
        Node(State(programs)).exists()
