"""The node of the cluster, a container: kind makes and removes it, images are loaded into it."""

import ipaddress
import json
import re
from pathlib import Path

from artifact.errors import StorageError
from local.cluster import command, names
from local.ports import LOOPBACK
from local.state import State

CONFIG = Path(__file__).with_name("kind.yaml")
_CREATE_SECONDS = 600.0  # the image of a node is a gigabyte
_LOAD_SECONDS = 300.0
_DESKTOP = "host.docker.internal"  # what Docker Desktop calls this machine; Docker Engine has no name for it


class Node:
    """The only node of the cluster of `state`."""

    def __init__(self, state: State) -> None:
        self._env = names.environment(state)

    def exists(self) -> bool:
        """Whether kind knows the cluster, whether or not it runs."""
        return names.NAME in self._run("kind", "get", "clusters").split()

    def create(self) -> None:
        """Returns when the node is ready; a cluster that is there is started, and its kubeconfig written again."""
        if self.exists():
            self._run("docker", "start", names.NODE)
            self._run("kind", "export", "kubeconfig", "--name", names.NAME)
            wait = ("kubectl", "wait", "node", "--all", "--for=condition=Ready", "--timeout=5m")
            self._run(*wait, seconds=_CREATE_SECONDS)
            return
        words = ("kind", "create", "cluster", "--name", names.NAME, "--config", str(CONFIG), "--wait", "5m")
        self._run(*words, seconds=_CREATE_SECONDS)

    def delete(self) -> None:
        """Returns when the container is gone; nothing happens when there is none."""
        self._run("kind", "delete", "cluster", "--name", names.NAME, seconds=_LOAD_SECONDS)

    def load(self, tag: str, repository: str) -> str:
        """Give the node the image that Docker calls `tag`; returns the digest by which it runs, `sha256:…`.

        No registry has this image. A pod that names it as `repository`@digest finds it under that name in the node.
        """
        self._run("kind", "load", "docker-image", tag, "--name", names.NAME, seconds=_LOAD_SECONDS)
        digest = self._digest(f"docker.io/{tag}")
        self._containerd("tag", "--force", f"docker.io/{tag}", f"{repository}@{digest}")
        return digest

    def host_addresses(self) -> tuple[str, str]:
        """Where pods reach this machine, and the address that a server here has to listen on for that."""
        try:
            answer = self._run("docker", "exec", names.NODE, "getent", "ahostsv4", _DESKTOP)
            return str(ipaddress.IPv4Address(answer.split()[0])), LOOPBACK  # Docker Desktop passes it on to loopback
        except (StorageError, IndexError, ValueError):
            gateway = self._gateway()  # of Docker Engine: the bridge's own address, which is on this machine
            return gateway, gateway

    def _gateway(self) -> str:
        (network,) = json.loads(self._run("docker", "network", "inspect", "kind"))
        for part in network["IPAM"]["Config"]:
            if (gateway := part.get("Gateway")) and ":" not in gateway:
                return str(gateway)
        raise StorageError("Docker's network `kind` has no IPv4 gateway: `docker network inspect kind` shows it")

    def _digest(self, image: str) -> str:
        listed = self._containerd("ls", f"name=={image}")
        digest = re.search(rf"^{re.escape(image)}\s.*?(sha256:[0-9a-f]{{64}})", listed, re.M)
        if digest is None:
            raise StorageError(f"the node has no image {image} after it was loaded: {listed.strip()[-200:]!r}")
        return digest[1]

    def _containerd(self, *words: str) -> str:
        return self._run("docker", "exec", names.NODE, "ctr", "--namespace", "k8s.io", "images", *words)

    def _run(self, *words: str, seconds: float = 60.0) -> str:
        return command.output(*words, env=self._env, seconds=seconds)
