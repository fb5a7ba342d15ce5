"""Put an artifact into the bucket under its own digest, and print its URI.

Every file is written once, the manifest last.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from artifact import digest, extras, load
from artifact.digest import ArtifactUri
from artifact.errors import CollisionError, ConfigurationError, IntegrityError
from artifact.manifest import FILE as MANIFEST
from release import command_line, verdict
from release.bucket import published
from release.bucket.store import Store
from release.checkout import Checkout
from release.gitops import quarantine
from release.gitops.folder import Folder
from release.gitops.quarantine import Quarantined
from release.gitops.worktree import reader
from release.settings import Settings

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
) -> ArtifactUri:
    """Publish the directory `artifact` and return its URI; the same artifact again writes nothing. `root`: the checkout
    that trained it, whose image is to serve it.

    The manifest is written after everything it names, so that whoever finds a manifest finds the whole artifact. Raises
    ConfigurationError (10), IntegrityError (20), IncompatibleError (22), StorageError (30), CollisionError (31),
    GateRefused (41).
    """
    manifest = _manifest(artifact)
    uri = ArtifactUri(settings.bucket, settings.prefix, model, digest.of_bytes(manifest))
    approval = verdict.read(verdict_path, uri.digest)
    quarantine.refuse(quarantined, uri.digest, approval.inputs_digest)
    verified = load.verify(artifact, expected_digest=uri.digest, name=model)
    if verified.manifest.data_digest != approval.data_digest:
        raise IntegrityError(
            f"the manifest says data {verified.manifest.data_digest}, the verdict {approval.data_digest}: "
            "run `dvc repro`"
        )
    extras.refuse_unchosen(verified.manifest.libraries, root)
    new = [store.put_once(uri.key + path, data) for path, data in sorted(verified.files.items())]
    _keep_lock(store, f"{settings.prefix}/{model}/runs/{approval.inputs_digest}/{LOCK}", root / LOCK)
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


def _keep_lock(store: Store, key: str, lock: Path) -> None:
    if not lock.exists():
        return
    try:
        store.put_once(key, lock.read_bytes())
    except CollisionError:
        # Equal inputs gave other outputs, on another class of CPU for example: the first run's lock stays.
        print(f"s3://{store.bucket}/{key} keeps the lock of an earlier run", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """As `publish`."""
    line = command_line.parser("publish", __doc__)
    command_line.add_artifact(line)
    line.add_argument("--verdict", type=Path, default=Path("build/verdict.json"), help="the gate's file (%(default)s)")
    command_line.add_model(line)
    arguments, here = command_line.parse(line, argv), Checkout.here()
    model = here.model(arguments)
    with reader(here.root, here.remote) as pinned:
        quarantined = Folder(model, "staging").quarantined(pinned)
    uri = publish(
        here.store,
        here.settings,
        artifact=arguments.artifact,
        verdict_path=arguments.verdict,
        model=model,
        source_commit=here.commit(),
        root=here.root,
        quarantined=quarantined,
    )
    print(uri)
