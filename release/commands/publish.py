"""Put an artifact into the bucket under its own digest, signed where the environment has a key, and print its URI.

Every file is written once, the manifest last. A bill of materials, a model card and the gate's report go beside the
artifact.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact import digest, extras, load
from artifact.attestation.statement import Statement
from artifact.digest import ArtifactUri
from artifact.errors import CollisionError, ConfigurationError, IntegrityError
from artifact.manifest import FILE as MANIFEST
from release import command_line, verdict
from release.bucket import attested, published
from release.bucket.store import Store
from release.checkout import Checkout
from release.clock import now
from release.documents import bom
from release.documents.subject import Subject
from release.gitops import quarantine, signers
from release.gitops.folder import Folder
from release.gitops.quarantine import Quarantined
from release.gitops.worktree import reader
from release.page import model_card, report_archive
from release.settings import Settings
from release.signing import chosen
from release.signing.variables import Sign

LOCK = Path("dvc.lock")


def publish(
    store: Store,
    settings: Settings,
    *,
    artifact: Path,
    verdict_path: Path,
    model: str,
    source_commit: str,
    root: Path,
    quarantined: Sequence[Quarantined] = (),
    sign: Sign | None = None,
) -> ArtifactUri:
    """Publish the directory `artifact` and return its URI; the same artifact again writes nothing. `root`: the checkout
    that trained it, whose image is to serve it.

    The manifest is written after everything it names, so that whoever finds a manifest finds the whole artifact. What
    `sign` makes of the statement goes beside it; an artifact that is signed already keeps its signature. Raises
    ConfigurationError (10), IntegrityError (20), IncompatibleError (22), StorageError (30), CollisionError (31),
    GateRefused (41).
    """
    manifest = _manifest(artifact)
    uri = ArtifactUri(settings.bucket, settings.prefix, model, digest.of_bytes(manifest))
    approval = verdict.read(verdict_path, uri.digest)
    quarantine.refuse(quarantined, uri.digest, approval.inputs_digest)
    verified = load.verify(artifact, expected_digest=uri.digest, name=model)
    if sign is not None and json.loads(manifest)["schema_version"] == 1:
        raise ConfigurationError(
            f"{uri.digest} is of schema_version 1, whose images do not start beside a signature: train it again, or "
            "publish it unsigned"
        )
    if verified.manifest.data_digest != approval.data_digest:
        raise IntegrityError(
            f"the manifest says data {verified.manifest.data_digest}, the verdict {approval.data_digest}: "
            "run `dvc repro`"
        )
    extras.refuse_unchosen(verified.manifest.libraries, root)
    new = [store.put_once(uri.key + path, data) for path, data in sorted(verified.files.items())]
    if (root / LOCK).exists():
        lock = (root / LOCK).read_bytes()
        _keep_first(store, f"{settings.prefix}/{model}/runs/{approval.inputs_digest}/{LOCK}", lock)
    _write_documents(store, uri, Subject.of(verified, approval.content, root), root)
    if sign is not None:
        content = (approval.inputs_digest, approval.data_digest, source_commit, approval.outcome)
        new.append(attested.put_once(store, uri, Statement(model, uri.digest, *content, now()), sign))
    metadata = {
        published.INPUTS: approval.inputs_digest,
        published.DATA: approval.data_digest,
        published.COMMIT: source_commit,
        published.GATE: approval.outcome,
    }
    new.append(store.put_once(uri.key + MANIFEST, manifest, metadata))
    print(f"{uri.digest}: {f'{sum(new)} objects written' if any(new) else 'already published'}", file=sys.stderr)
    return uri


def uri_of(settings: Settings, model: str, artifact: Path) -> ArtifactUri:
    """The URI that the directory `artifact` has once it is published; ConfigurationError when it holds no manifest."""
    return ArtifactUri(settings.bucket, settings.prefix, model, digest.of_bytes(_manifest(artifact)))


def _manifest(artifact: Path) -> bytes:
    try:
        return (artifact / MANIFEST).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{artifact} holds no {MANIFEST} ({error.strerror}): run `dvc repro` first") from error


def _write_documents(store: Store, uri: ArtifactUri, subject: Subject, root: Path) -> None:
    """Write the bill of materials, the model card, and the report of the training under `root`, if that training made
    this artifact. They stand beside the artifact's own key, so that no storage initializer fetches them.
    """
    _keep_first(store, f"{uri.about}{bom.FILE}", bom.render(subject))
    _keep_first(store, f"{uri.about}{model_card.FILE}", model_card.page(subject))
    report = report_archive.pack(root, uri.digest)
    if report is not None:
        _keep_first(store, f"{uri.about}{report_archive.FILE}", report)


def _keep_first(store: Store, key: str, data: bytes) -> None:
    """Write a file unless an earlier run has: its lock after equal inputs, or its verdict on an equal model, may
    differ, and the first one stays.
    """
    try:
        store.put_once(key, data)
    except CollisionError:
        print(f"s3://{store.bucket}/{key} stays as an earlier run wrote it", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """As `publish`."""
    line = command_line.parser("publish", __doc__)
    command_line.add_artifact(line)
    line.add_argument("--verdict", type=Path, default=Path("build/verdict.json"), help="the gate's file (%(default)s)")
    command_line.add_model(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    model = checkout.model(arguments)
    with reader(checkout.root, checkout.remote) as pinned:
        quarantined = Folder(model, "staging").quarantined(pinned)
        sign = chosen.sign(signers.of(pinned))
    uri = publish(
        checkout.store,
        checkout.settings,
        artifact=arguments.artifact,
        verdict_path=arguments.verdict,
        model=model,
        source_commit=checkout.commit(),
        root=checkout.root,
        quarantined=quarantined,
        sign=sign,
    )
    print(uri)
