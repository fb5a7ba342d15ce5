"""A model with a history on a Git remote: two releases in staging; a canary, a promotion and one taken back in
production."""

import dataclasses
from pathlib import Path

import pytest

from artifact import digest
from monitoring.retraining import Trigger
from release.gitops import quarantine, record, retraining
from release.gitops.folder import MODELS, quarantine_file
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record
from release.gitops.release import Proof, Release
from release.settings import Settings
from tests.release.conftest import IMAGE, Repository, commit, copied

WHY = "nobody <complained>"
SHADOW = "500 requests, 500 rows, 98.20% agree"
DRIFTED = "drift of x in 2 windows"
REASON = "<b>labels</b> of new customers wrong & late"


def _release(number: int, **changes: object) -> Release:
    model = digest.of_bytes(f"model {number}".encode())
    return Release(
        digest=model,
        uri=f"s3://modelpin/models/iris/{model}/",
        image=IMAGE,
        since=f"2026-11-{10 + number:02}T08:15:00Z",
        inputs_digest=digest.of_bytes(f"inputs {number}".encode()),
        data_digest=digest.of_bytes(f"data {number // 2}".encode()),
        source_commit=f"{number}a7c" * 10,
        run_commit=f"{number}a7c" * 10,
        gate=("first-deployment", "better", "not-worse", "better")[number],
        rendered=True,
        served=True,
        proof=Proof(f"2026-11-{10 + number:02}T08:10:00Z", "x", "answered its golden rows as recorded"),
        **changes,  # type: ignore[arg-type]
    )


FIRST, SECOND, THIRD, FOURTH = map(_release, range(4))
_TAKEN_BACK = dataclasses.replace(THIRD, rejected=True, left="2026-11-12T11:00:00Z")


def _production(stable: Release, candidate: Release | None, percent: int | None, *others: Release) -> Record:
    listed = [release for release in (candidate, *others, stable) if release is not None]
    name = candidate and candidate.name
    return Record("iris", "production", stable.name, name, percent, releases=tuple(listed))


PRODUCTION = (
    ("iris: production begins", _production(FIRST, None, None)),
    ("iris: production canary at 10 %", _production(FIRST, SECOND, 10)),
    ("iris: production promotes", _production(SECOND, None, None, FIRST)),
    ("iris: production canary at 10 %", _production(SECOND, THIRD, 10, FIRST)),
    ("iris: production takes it back", _production(SECOND, None, None, _TAKEN_BACK, FIRST)),
    (
        f"iris: production canary at 25 %\n\nRelease-Reason: {WHY}\nShadow: {SHADOW}",
        _production(SECOND, FOURTH, 25, _TAKEN_BACK, FIRST),
    ),
)


@pytest.fixture(autouse=True)
def no_credentials_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test has no bucket, nobody asks the network for credentials."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of that remote and its clone, made once and copied for each test."""
    folder = copied(template, tmp_path_factory.mktemp("released"))
    clone = folder / "clone"
    barred = Quarantined(THIRD.digest, THIRD.inputs_digest, REASON, "issue 41", "2026-11-12T11:00:00Z", "A Person")
    commit(clone, quarantine_file("iris"), quarantine.render([barred]))
    alarm = Trigger("drift", SECOND.digest, "train", "2026-11-12T05:17:00Z", DRIFTED)
    commit(clone, f"{MODELS}/iris/{retraining.FILE}", retraining.render([alarm]))
    staging = Record("iris", "staging", FOURTH.name, releases=(FOURTH, THIRD))
    commit(clone, "gitops/models/iris/staging/record.yaml", record.render(staging))
    for subject, state in PRODUCTION:
        commit(clone, "gitops/models/iris/production/record.yaml", record.render(state), subject)
    return folder


@pytest.fixture
def pages(released: Path, tmp_path: Path) -> Repository:
    """The clone of that remote, which `release page` asks."""
    copied(released, tmp_path)
    return Repository(tmp_path / "clone", tmp_path / "origin.git", Settings().bucket)
