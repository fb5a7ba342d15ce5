"""Train a published artifact again from its commit, its data and its locked environment, and compare the two.

The verdict is one of: bit-identical (the same digest), prediction-identical (other bytes, every answer the same within
epsilon; both end with 0), different (42, with what differs). The checkout here is not touched: the commit gets a
temporary worktree, which is removed again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from artifact import digest as digests
from artifact import git, manifest
from artifact.errors import GitError, IncompatibleError, RetrainRefused, kind
from artifact.git import GitFailed
from audit import reproduction
from pipeline.shared import paths
from release import client

_VENVS = "MODELPIN_VENVS"
_GIT_SECONDS = 60.0  # of a fetch, the slowest of its commands
# What names the artifact, beside the files. Manifests of schema_version 1 have one engine, no decision and no weight.
_KEYS = tuple("data_digest parameters metrics libraries features engine engines signature decision weight".split())


def main(argv: Sequence[str] | None = None) -> None:
    """Print the verdict; RetrainRefused (42) where the model is another."""
    parser = argparse.ArgumentParser(prog="python -m audit reproduce", description=__doc__)
    parser.add_argument("uri", metavar="URI|RELEASE|DIGEST", help="a published artifact, as `release status` shows it")
    parser.add_argument(
        "--installed",
        action="store_true",
        help="train with what is installed here instead of that commit's lock; its versions must be the same",
    )
    parser.add_argument("--json", action="store_true", help="the comparison, for programs")
    options = parser.parse_args(argv)
    uri = client.artifact_uri(options.uri)
    listing = client.show(str(uri))
    with tempfile.TemporaryDirectory(prefix="modelpin-reproduce-") as folder:
        published, tree = Path(folder) / "published", Path(folder) / "tree"
        client.fetch(str(uri), published)
        with checkout(listing["source_commit"], tree):
            python = sys.executable if options.installed else _environment(tree)
            # Older commits have `pull` beside their stages.
            _python(python, tree, "-m", *(["starter", "pull"] if (tree / "starter").is_dir() else ["pipeline.pull"]))
            _python(python, tree, "-m", "dvc", "repro", "package")
            comparison = compare(python, tree, published, uri.digest)
            inputs = json.loads((tree / paths.INPUTS).read_text(encoding="utf-8"))["inputs_digest"]
    comparison |= {
        "uri": str(uri),
        "source_commit": listing["source_commit"],
        "same_inputs": inputs == listing["inputs_digest"],
    }
    print(json.dumps(comparison, indent=2) if options.json else "\n".join(_lines(comparison)))
    if comparison["outcome"] == "different":
        raise RetrainRefused(
            f"{uri} was not reproduced from {listing['source_commit']}: {comparison['digest']} answers differently on "
            f"{comparison['holdout']['differing']} of {comparison['holdout']['rows']} held-out rows; see above"
        )


def compare(python: str, tree: Path, published: Path, digest: str) -> dict[str, Any]:
    """The artifact that the checkout `tree` has made against the one in `published`, whose digest is `digest`."""
    rebuilt = tree / paths.ARTIFACT
    published_bytes, rebuilt_bytes = ((folder / manifest.FILE).read_bytes() for folder in (published, rebuilt))
    other = digests.of_bytes(rebuilt_bytes)
    script = str(Path(reproduction.__file__).resolve())
    # -P: beside the script are modules whose names the standard library has, too.
    words = ["-P", script, str(published), digest, str(rebuilt.resolve()), other, str((tree / paths.TEST).resolve())]
    answer = json.loads(_python(python, tree, *words, quiet=True).splitlines()[-1])
    before, now = json.loads(published_bytes), json.loads(rebuilt_bytes)
    same = answer["holdout"]["differing"] == answer["golden"]["differing"] == 0
    return {
        "outcome": "bit-identical"
        if published_bytes == rebuilt_bytes
        else "prediction-identical"
        if same
        else "different",
        "digest": other,
        **answer,
        "files": _files(before, now),
        "differs": {key: (before.get(key), now.get(key)) for key in _KEYS if before.get(key) != now.get(key)},
    }


@contextmanager
def checkout(commit: str, tree: Path) -> Iterator[None]:
    """`commit` of this repository in the folder `tree`, while the block runs; GitError (50) where it cannot be had."""
    command = ("worktree", "add", "--quiet", "--detach", str(tree), commit)
    try:
        try:
            git.run(*command, seconds=_GIT_SECONDS)
        except GitFailed:
            git.run("fetch", "--quiet", "origin", commit, seconds=_GIT_SECONDS)
            git.run(*command, seconds=_GIT_SECONDS)
    except GitFailed as failure:
        raise GitError(
            f"the commit {commit} cannot be checked out: {failure.detail[-300:]}; fetch the branch that holds it"
        ) from failure
    try:
        yield
    finally:
        with contextlib.suppress(GitFailed):  # it was removed by hand
            git.run("worktree", "remove", "--force", str(tree), seconds=_GIT_SECONDS)


def _environment(tree: Path) -> str:
    """The interpreter of that commit's lock, installed beside the other environments."""
    venvs = Path(os.environ.get(_VENVS) or ".venvs").resolve()
    command = [
        getattr(sys, "_base_executable", sys.executable),
        "requirements/install.py",
        "pipeline",
        "--venvs",
        venvs,
    ]
    repro = subprocess.run([str(word) for word in command], cwd=tree, stdout=subprocess.PIPE, text=True, check=False)
    if repro.returncode:
        raise IncompatibleError(
            f"requirements/{paths.PIPELINE_LOCK.name} of that commit could not be installed; see above, or train with "
            "what is installed here: --installed"
        )
    return f"{repro.stdout.strip().splitlines()[-1]}/bin/python"


def _files(published: Mapping[str, Any], rebuilt: Mapping[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    """Files whose bytes differ: path → digests, published and made."""
    before, now = ({file["path"]: file["sha256"] for file in manifest["files"]} for manifest in (published, rebuilt))
    return {
        path: (before.get(path), now.get(path)) for path in sorted(before | now) if before.get(path) != now.get(path)
    }


def _python(python: str, tree: Path, *words: str, quiet: bool = False) -> str:
    """What the interpreter prints in the checkout; ModelpinError with its exit code and its last line otherwise."""
    path = f"{Path(python).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(tree), "GITHUB_SHA": ""}
    process = subprocess.run([python, *words], cwd=tree, env=env, capture_output=True, text=True, check=False)
    if not quiet:
        sys.stderr.write(process.stdout)
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.strip()] or [f"ended with {process.returncode}"]
        problem = next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])
        raise kind(process.returncode, RetrainRefused)(f"`{' '.join(words[:4])}` of that commit: {problem}")
    return process.stdout


def _lines(comparison: Mapping[str, Any]) -> Iterator[str]:
    yield f"{comparison['outcome']}: {comparison['digest']}"
    for name, words in (("holdout", "held-out rows"), ("golden", "golden requests")):
        part = comparison[name]
        yield (
            f"  {part['rows']} {words}: {part['differing']} differ by more than {comparison['epsilon']:g}, the largest "
            f"difference is {part['largest_difference']:.3g}"
        )
    if not comparison["same_inputs"]:
        yield "  the inputs digest is another: what was published was not trained from this commit alone"
    for name, (before, now) in comparison["files"].items():
        yield f"  {name}: {before or 'absent'} published, {now or 'absent'} made"
    for name, (before, now) in comparison["differs"].items():
        yield f"  {name}: {json.dumps(before)} published, {json.dumps(now)} made"
