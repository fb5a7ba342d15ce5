"""Where a published artifact comes from and where it served: commit, data, parameters, run, verdict, deployments.

`python -m audit lineage URI`, or the digest alone of an artifact in this repository's bucket. What the bucket and
Git say is required; a tracking server or a remote that does not answer leaves its part out, and says so.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from artifact import digest, git, manifest, text_file
from artifact.digest import ArtifactUri
from artifact.errors import GitError
from artifact.git import GitFailed
from audit import mlflow_run
from pipeline.params.params import load
from release import client

SCHEMA_VERSION = 1
_FIELD = "\x1f"
_TRIGGER = "%(trailers:key=Retrain-Trigger,valueonly,separator=%x2C)"  # what asked for the training
_FETCH_SECONDS = 60.0


def main(argv: Sequence[str] | None = None) -> None:
    """Print what is known of one artifact."""
    parser = argparse.ArgumentParser(prog="python -m audit lineage", description=__doc__)
    parser.add_argument("artifact", metavar="URI|RELEASE|DIGEST", help="as `release status` shows it")
    parser.add_argument("--model", help="of a digest alone (default: model.name of params.yaml)")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    options = parser.parse_args(argv)
    document = lineage(_uri(options.artifact, options.model))
    print(text_file.readable_json(document).rstrip() if options.json else "\n".join(_lines(document)))


def lineage(uri: ArtifactUri) -> dict[str, Any]:
    """The document that --json prints; StorageError (30) and IntegrityError (20) as `release show` has them."""
    listing = client.show(str(uri))
    with tempfile.TemporaryDirectory(prefix="modelpin-lineage-") as folder:
        client.fetch(str(uri), Path(folder) / "artifact")
        encoded = (Path(folder) / "artifact" / manifest.FILE).read_bytes()
    content = json.loads(encoded)
    run, missing = mlflow_run.find(uri.digest)
    records = [record for record in client.records() if record["model"] == uri.model]
    history, problem = _history(uri.digest)
    return {
        "schema_version": SCHEMA_VERSION,
        "model": uri.model,
        "uri": str(uri),
        "digest": uri.digest,
        "source_commit": listing["source_commit"],
        "commit": _commit(listing["source_commit"]),
        "inputs_digest": listing["inputs_digest"],
        "data_digest": listing["data_digest"],
        "gate": listing["gate"],
        "signed_by": listing["signed_by"],
        "engine": manifest.Manifest.from_bytes(encoded).engine,
        "parameters": content["parameters"],
        "metrics": content["metrics"],
        "libraries": content["libraries"],
        "run": run,
        "deployments": [deployment for record in records for deployment in _deployments(record, uri.digest)],
        "history": history,
        "notes": [note for note in (missing, problem) if note],
    }


def _uri(text: str, model: str | None) -> ArtifactUri:
    if not digest.is_digest(text):
        return client.artifact_uri(text)
    settings = client.settings()
    name = digest.model_name(model or load().model.name)
    return ArtifactUri(settings["bucket"], settings["prefix"], name, digest.parse(text))


def _deployments(record: Mapping[str, Any], model_digest: str) -> Iterator[dict[str, Any]]:
    """Each time that the record of one environment names the artifact, the latest first."""
    environment = {"environment": record["environment"]}
    candidate, stable = record["candidate"], record["stable"]
    if candidate and candidate["digest"] == model_digest:
        yield environment | {"role": f"canary at {record['percent']} %", **_times(candidate)}
    for release in record["releases"]:
        if release["digest"] == model_digest:
            yield environment | {"role": "stable" if release == stable else "earlier", **_times(release)}


def _times(release: Mapping[str, Any]) -> dict[str, Any]:
    return {"since": release["since"], "image": release["image"]}


def _history(model_digest: str) -> tuple[list[dict[str, str]], str | None]:
    """The commits whose trailers name the artifact, newest first, and why there are none where Git gave none."""
    settings = client.settings()
    common = settings["gitops-remote"] or "origin"
    own = settings["production-remote"] or common
    branches = {(common, settings["gitops-branch"]), (own, settings["production-branch"])}
    listed: list[dict[str, str]] = []
    for remote, branch in sorted(branches):
        try:
            git.run("fetch", "--quiet", remote, branch, seconds=_FETCH_SECONDS)
            form = f"--format={_FIELD.join(('%H', '%cI', '%s', _TRIGGER))}"
            words = ("log", "FETCH_HEAD", "--fixed-strings", f"--grep=Model-Digest: {model_digest}", form)
            lines = git.run(*words).splitlines()
        except (GitFailed, GitError):
            return [], f"the branch {branch} of {remote} cannot be fetched: its commits are not shown"
        commits = (
            dict(zip(("commit", "date", "subject", "trigger"), line.split(_FIELD), strict=True)) for line in lines
        )
        listed += [commit for commit in commits if commit not in listed]
    # Of one branch they are in its order, which seconds do not tell.
    return (sorted(listed, key=_when, reverse=True) if len(branches) > 1 else listed), None


def _when(commit: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(commit["date"])


def _commit(commit: str) -> dict[str, str] | None:
    """Date, author and subject of a commit; None where this clone does not have it."""
    try:
        form = f"--format={_FIELD.join(('%cI', '%an', '%s'))}"
        text = git.run("log", "-1", form, commit)
    except (GitFailed, GitError):
        return None
    return dict(zip(("date", "author", "subject"), text.strip().split(_FIELD), strict=True))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{document['model']} {document['digest']}"
    yield f"  uri         {document['uri']}"
    commit = document["commit"]
    origin = f"  {commit['date']}  {commit['author']}: {commit['subject']}" if commit else "  not in this clone"
    yield f"  commit      {document['source_commit']}{origin}"
    yield f"  data        {document['data_digest']}"
    yield f"  inputs      {document['inputs_digest']}"
    yield f"  signed by   {document['signed_by'] or 'nobody who is trusted here'}"
    yield f"  trained by  {json.dumps(document['parameters'], ensure_ascii=False)}"
    yield f"  metrics     {', '.join(f'{name} {value:.6g}' for name, value in sorted(document['metrics'].items()))}"
    yield f"  engine      {document['engine']}"
    tracked = document["run"]
    if tracked:
        yield f"  run         {tracked['run_id']}, version {tracked['version']}, at {tracked['tracking']}"
        yield f"  verdict     {tracked['verdict']['outcome']}: {tracked['verdict']['reason']}"
    else:
        yield f"  verdict     {document['gate']}"
    for entry in document["deployments"]:
        yield f"  {entry['environment']:<11} {entry['role']} since {entry['since']}, image {entry['image']}"
    if not document["deployments"]:
        yield "  deployed    nowhere"
    for entry in document["history"]:
        cause = f" (asked for by {entry['trigger']})" if entry["trigger"] else ""
        yield f"  {entry['date']}  {entry['commit'][:12]}  {entry['subject']}{cause}"
    yield from (f"  note: {note}" for note in document["notes"])
