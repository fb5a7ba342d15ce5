"""One repository of a registry, asked by skopeo, which finds the credentials that `docker login` left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from image import program

VERSION = "org.opencontainers.image.version"  # the label that names the inputs: signed with the digest, as a tag is not
_ABSENT = ("manifest unknown", "name unknown", "not found")
_NO_HELPER = "executable file not found"  # the program that has the credentials: the registry was not asked


class Registry:
    """`repository` has no tag and no digest."""

    def __init__(self, repository: str) -> None:
        self.repository = repository

    def digest(self, tag: str) -> str | None:
        """What `tag` names, or None; StorageError (30) when the registry refuses or does not answer."""
        try:
            manifest = program.run("skopeo", "inspect", "--raw", f"docker://{self.repository}:{tag}")
        except program.Failed as error:
            words = error.words.lower()
            if _NO_HELPER not in words and any(phrase in words for phrase in _ABSENT):
                return None
            raise
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def tags(self, tag: str) -> dict[str, str]:
        """`tag`, `tag`-2 and so on as long as they are there, each with its digest: the newest comes last."""
        present: dict[str, str] = {}
        while (digest := self.digest(name := self.free(tag, present))) is not None:
            present[name] = digest
        return present

    @staticmethod
    def free(tag: str, present: Mapping[str, str]) -> str:
        """The tag behind those that are `present`."""
        return f"{tag}-{len(present) + 1}" if present else tag

    def version(self, digest: str) -> str | None:
        """The inputs that the image of this machine's platform says it was built from."""
        configuration = json.loads(
            program.run(
                "skopeo", "inspect", "--config", "--override-os", "linux", f"docker://{self.repository}@{digest}"
            )
        )
        labels = configuration.get("config", {}).get("Labels") or {}
        return labels.get(VERSION)

    def push(self, layout: Path, tag: str) -> None:
        """Copy every platform of an OCI layout, byte for byte."""
        program.run(
            "skopeo", "copy", "--all", "--preserve-digests", f"oci:{layout}", f"docker://{self.repository}:{tag}"
        )
