"""Plays buildah in a workflow run: nothing is built, but equal inputs get an equal digest, and changed ones another.

That is what the loop needs to know of an image. `buildah manifest push … oci:FOLDER` writes an OCI layout whose index
names a SHA-256 over what the image is made from: the Dockerfile, and the tracked files that it COPYs. No registry has
it. Where `make cluster` built the image of these inputs (images.json of the platform), its digest is named instead:
that is what the node has.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BUILT = Path("build/stand-in")  # between `bud` and `manifest push`


def main(arguments: Sequence[str]) -> int:
    """Exit code of `buildah` with `arguments`, in the working directory."""
    if arguments[:2] == ["manifest", "inspect"]:
        return 1  # no build went before
    if arguments[:2] == ["manifest", "push"]:
        layout = Path(arguments[-1].removeprefix("oci:"))
        layout.mkdir(parents=True)
        index = {"schemaVersion": 2, "manifests": [{"digest": BUILT.read_text(encoding="utf-8")}]}
        (layout / "index.json").write_text(json.dumps(index), encoding="utf-8")
    elif arguments[:1] == ["bud"]:
        BUILT.parent.mkdir(exist_ok=True)
        BUILT.write_text(of_cluster(arguments) or digest(Path()), encoding="utf-8")
        print("no container engine on this platform: no image is built, but named", file=sys.stderr)
    return 0


def of_cluster(arguments: Sequence[str]) -> str | None:
    """The digest of the image that `make cluster` built for the tag that a label among `arguments` names."""
    images = Path(os.environ["MODELPIN_LOCAL"], "images.json")
    built: dict[str, str] = json.loads(images.read_text(encoding="utf-8")) if images.exists() else {}
    return next((built[tag] for word in arguments if (tag := word.rpartition("=")[2]) in built), None)


def digest(context: Path) -> str:
    """`sha256:<hex>` over the inputs of the image whose Dockerfile is in `context`, a Git working tree."""
    text = (context / "Dockerfile").read_text(encoding="utf-8")
    files: dict[str, str] = {}
    for source in copied(text):
        names = subprocess.run(
            ["git", "-C", context, "ls-files", "-z", "--", source], check=True, capture_output=True, text=True
        ).stdout.split("\0")
        paths = sorted(name for name in names if name)
        if not paths:
            raise SystemExit(f"Dockerfile copies {source}, and no tracked file of {context.resolve()} is there")
        files |= {name: hashlib.sha256((context / name).read_bytes()).hexdigest() for name in paths}
    inputs = json.dumps({"dockerfile": text, "files": files}, sort_keys=True)
    return f"sha256:{hashlib.sha256(inputs.encode()).hexdigest()}"


def copied(text: str) -> list[str]:
    """The sources of every COPY and ADD from the context, and of every bind mount of it."""
    sources = []
    for line in text.replace("\\\n", " ").splitlines():
        instruction, *words = line.split() or [""]
        options = [word for word in words if word.startswith("--")]
        if instruction.upper() in ("COPY", "ADD") and not any(option.startswith("--from=") for option in options):
            sources += [word for word in words if word not in options][:-1]
        for option in options if instruction.upper() == "RUN" else []:
            mount = dict(part.partition("=")[::2] for part in option.removeprefix("--mount=").split(","))
            if mount.get("type") == "bind" and "from" not in mount and "source" in mount:
                sources.append(mount["source"])
    return sources


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
