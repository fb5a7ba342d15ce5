"""`adopt`: a new model's folder, without touching what is there."""

import pytest
import yaml

from release.commands.adopt import adopt
from release.gitops import record, release_file
from release.gitops.folder import Folder
from release.gitops.record import Record
from tests.release.conftest import Repository


def test_creates_what_is_missing(plain: Repository) -> None:
    """Both environments in the empty state, an empty quarantine, the roles' policies; what exists is kept.

    Again, nothing is written.
    """
    rest = plain.folder / "gitops/models/wine/staging/environment.yaml"
    rest.parent.mkdir(parents=True)
    rest.write_text("shape: Knative\nkeep: 3\n")
    lines = plain.release("adopt", "--model", "wine").out.splitlines()
    assert {path for path in lines if "serving/wine" in path} == {
        f"gitops/aws/serving/wine-{name}.json"
        for name in ("staging", "staging-trust", "production", "production-trust")
    }
    assert [path for path in lines if not path.startswith("gitops/aws/")] == [
        "gitops/models/wine/quarantine.yaml",
        "gitops/models/wine/staging/kustomization.yaml",
        "gitops/models/wine/staging/record.yaml",
        "gitops/models/wine/staging/release.yaml",
        "gitops/models/wine/production/kustomization.yaml",
        "gitops/models/wine/production/environment.yaml",
        "gitops/models/wine/production/record.yaml",
        "gitops/models/wine/production/release.yaml",
    ]
    assert "keep: 3" in rest.read_text()
    for environment in ("staging", "production"):
        folder = Folder("wine", environment)
        empty = Record("wine", environment)
        assert (plain.folder / folder.path / "record.yaml").read_text() == record.render(empty)
        assert (plain.folder / folder.path / "release.yaml").read_text() == release_file.render(empty)
        kustomization = yaml.safe_load((plain.folder / folder.path / "kustomization.yaml").read_text())
        assert kustomization["namespace"] == f"wine-{environment}"
    assert yaml.safe_load((plain.folder / "gitops/models/wine/quarantine.yaml").read_text()) == {
        "schema_version": 1,
        "quarantined": [],
    }
    assert adopt(plain.folder, "wine") == []


@pytest.mark.parametrize("name", ["", "Wine", "../x", "a_b", "a" * 45, "a\n", "-a"])
def test_impossible_names_are_refused(plain: Repository, name: str) -> None:
    """A name that cannot name a folder, an InferenceService and two namespaces: 10, nothing written."""
    assert plain.release("adopt", f"--model={name}").code == 10
    assert [path.name for path in (plain.folder / "gitops/models").iterdir()] == ["iris"]
