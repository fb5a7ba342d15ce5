"""MLflow's aliases are what Git says, and are repaired from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from artifact.errors import StorageError
from audit import mlflow_aliases
from pipeline.tracking.registry import Registry

FIRST, SECOND, THIRD = ("sha256-" + letter * 64 for letter in "123")


def release(digest: str) -> dict[str, str]:
    return {
        "digest": digest,
        "uri": f"s3://modelpin/models/toy/{digest}/",
        "inputs_digest": "sha256-" + "a" * 64,
        "data_digest": "sha256-" + "b" * 64,
        "source_commit": "c" * 40,
        "gate": "better",
    }


def record(environment: str, *digests: str, candidate: str | None = None) -> dict[str, Any]:
    """What `release status --json` says of one environment; the first digest is stable."""
    releases = [release(digest) for digest in digests]
    return {
        "model": "toy",
        "environment": environment,
        "stable": releases[0] if releases else None,
        "candidate": candidate and release(candidate),
        "releases": releases,
    }


ALIASES_OF_RECORDS = [
    ([record("production"), record("staging")], None, None, None),
    ([record("production"), record("staging", FIRST)], FIRST, None, None),
    ([record("production"), record("staging", SECOND, FIRST)], SECOND, FIRST, None),
    ([record("production", FIRST), record("staging", FIRST)], FIRST, None, None),
    ([record("production", FIRST, FIRST, SECOND), record("staging", THIRD)], FIRST, SECOND, THIRD),
    ([record("production", FIRST, candidate=SECOND), record("staging", THIRD)], FIRST, None, SECOND),
    ([record("staging", FIRST, candidate=SECOND)], FIRST, None, SECOND),
]


@pytest.mark.parametrize(("records", "champion", "previous", "challenger"), ALIASES_OF_RECORDS)
def test_each_alias_has_one_meaning(
    records: list[dict[str, Any]], champion: str | None, previous: str | None, challenger: str | None
) -> None:
    """champion holds production, or staging before that; previous is the way back; challenger is on its way."""
    result = mlflow_aliases.aliases({record["environment"]: record for record in records})
    assert {alias: release and release["digest"] for alias, release in result.items()} == {
        "champion": champion,
        "previous": previous,
        "challenger": challenger,
    }


def test_aliases_are_repaired(tmp_path: Path) -> None:
    """Whatever the aliases were, they are Git's; a version that this registry never saw is made; once more: nothing."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registry, client = Registry(uri), MlflowClient(uri, uri)
    nothing = mlflow_aliases.aliases({"staging": record("staging")})
    assert registry.mirror("toy", nothing) == []
    expected = mlflow_aliases.aliases(
        {"production": record("production", FIRST, SECOND), "staging": record("staging", THIRD)}
    )
    assert len(registry.mirror("toy", expected)) == 3
    assert registry.mirror("toy", expected) == []
    result = client.get_model_version_by_alias("toy", "champion")
    assert (result.source, result.tags["model_digest"]) == (f"s3://modelpin/models/toy/{FIRST}/", FIRST)
    assert result.tags["source_commit"] == "c" * 40

    client.set_registered_model_alias("toy", "champion", client.get_model_version_by_alias("toy", "previous").version)
    rolled_back = mlflow_aliases.aliases(
        {"production": record("production", SECOND), "staging": record("staging", SECOND)}
    )
    changed = registry.mirror("toy", rolled_back)
    assert [line.split(" ")[1:3] for line in changed] == [["previous", "was"], ["challenger", "was"]]
    assert client.get_model_version_by_alias("toy", "champion").tags["model_digest"] == SECOND
    assert len(client.search_model_versions("name = 'toy'")) == 3


def test_what_git_says_comes_from_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a person runs it: `release status` is asked; where it fails mirror ends as it did; MLflow down is 30."""
    (tmp_path / "release").mkdir()
    (tmp_path / "release/__init__.py").touch()
    requests = tmp_path / "release/__main__.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    requests.write_text(f"import json\nprint(json.dumps({[record('production', FIRST)]!r}))\n")
    assert mlflow_aliases.main([]) is None
    assert "toy: champion is version 1" in capsys.readouterr().out
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StorageError, match="tracking at"):
        mlflow_aliases.main([])
    requests.write_text("raise SystemExit(50)\n")
    assert mlflow_aliases.main(["--model", "toy"]) == 50
