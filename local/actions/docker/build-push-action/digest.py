"""Prints `sha256:<hex>` over the inputs of an image: Dockerfile, arguments, platforms, the tracked files it COPYs.

Reads CONTEXT, DOCKERFILE, ARGUMENTS, PLATFORMS and TAGS from the environment, as the stand-in's action.yml sets them.
Where `make cluster` built the image of one of the tags, its digest is printed instead: that is what the node has.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    images = Path(os.environ["MODELPIN_LOCAL"], "images.json")
    built = json.loads(images.read_text()) if images.exists() else {}
    for tag in os.environ["TAGS"].split():
        if digest := built.get(tag.rpartition(":")[2]):
            print(digest)
            return 0
    context = Path(os.environ["CONTEXT"])
    dockerfile = Path(os.environ["DOCKERFILE"] or context / "Dockerfile")
    text = dockerfile.read_text()
    files: dict[str, str] = {}
    inputs = {
        "dockerfile": text,
        "arguments": os.environ["ARGUMENTS"].split(),
        "platforms": os.environ["PLATFORMS"].split(),
        "files": files,
    }
    for source in copied(text):
        names = subprocess.run(
            ["git", "-C", context, "ls-files", "-z", "--", source], check=True, capture_output=True, text=True
        ).stdout.split("\0")
        paths = sorted(name for name in names if name)
        if not paths:
            print(f"{dockerfile} copies {source}, and no tracked file of {context.resolve()} is there", file=sys.stderr)
            return 1
        files |= {name: hashlib.sha256((context / name).read_bytes()).hexdigest() for name in paths}
    print("sha256:" + hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest())
    return 0


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
    sys.exit(main())
