"""`new` and `upgrade`, over three versions of a small repository made for the test."""

import json
import subprocess
from pathlib import Path

import pytest

from artifact.errors import GateRefused, GitError, UsageError
from starter import new, upgrade
from starter.origin import FILE, Origin

V1 = {
    "Makefile": "test:\n\t@grep -q . params.yaml\n",
    "pipeline/stage.py": "one = 1\n",
    "pipeline/old.py": "gone = 1\n",
    ".github/workflows/ci.yml": "name: ci\n",
    "params.yaml": "model: {name: iris}\n",
    "features/__init__.py": "",
    "data/iris.csv.dvc": "outs: []\n",
    "gitops/models/iris/staging/record.yaml": "a record\n",
    "gitops/settings/settings.yaml": "settings\n",
}
CHOSEN = "requirements/extras/chosen.txt"
V2 = {"pipeline/stage.py": "two = 2\n", "pipeline/new.py": "new = 1\n", "pipeline/old.py": None, CHOSEN: "# chosen:\n"}
V3 = {
    "pipeline/stage.py": "three = 3\n",
    "Makefile": "test:\n\t@grep -q migrated params.yaml\n",
    "migrations/v0.3.0.py": "open('params.yaml', 'a').write('# migrated\\n')\n",
    "params.yaml": "model: {name: wine}\n",
}


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _write(folder: Path, files: dict[str, str | None], message: str) -> None:
    for path, text in files.items():
        if text is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture(autouse=True)
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who commits."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "person@example.invalid")


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """The repository that users' ones are made from, at v0.1.0, with the later versions as tags."""
    folder = tmp_path / "versions"
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for number, files in enumerate((V1, V2, V3), 1):
        _write(folder, files, f"version {number}")
        _git(folder, "tag", f"v0.{number}.0")
    _git(folder, "checkout", "--quiet", "v0.1.0")
    return folder


@pytest.fixture
def mine(versions: Path, tmp_path: Path) -> Path:
    """A user's repository, made at v0.1.0, with files of the user's own."""
    folder = tmp_path / "mine"
    new.make(versions, folder)
    own: dict[str, str | None] = {
        "params.yaml": "model: {name: houses}\n",
        "features/area.py": "mine\n",
        "data/houses.csv.dvc": "mine\n",
        "gitops/models/houses/staging/record.yaml": "mine\n",
        ".github/workflows/mine.yml": "name: mine\n",
    }
    _write(folder, own, "my model")
    return folder


def test_a_new_repository_has_the_code_and_not_the_example(versions: Path, mine: Path) -> None:
    """One commit without the example's data, records and history; it names the version it was made from."""
    first = _git(mine, "rev-list", "--max-parents=0", "HEAD")
    files = _git(mine, "ls-tree", "-r", "--name-only", first).splitlines()
    assert sorted(files) == sorted([*(set(V1) - {"data/iris.csv.dvc", "gitops/models/iris/staging/record.yaml"}), FILE])
    assert Origin.read(mine) == Origin(str(versions), "v0.1.0", _git(versions, "rev-parse", "v0.1.0"))
    with pytest.raises(UsageError, match="not empty"):
        new.make(versions, mine)


def test_a_new_repository_is_complete_or_not_there(
    versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Git refuses the commit, as without a name of its author, nothing is left, and the same command does it."""
    monkeypatch.chdir(versions)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "")
    with pytest.raises(GitError, match=r"nothing was made in .*empty ident name"):
        new.main([str(tmp_path / "mine")])
    assert [path.name for path in tmp_path.iterdir()] == ["versions"]
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A Person")
    (tmp_path / "mine").mkdir()
    new.main([str(tmp_path / "mine")])
    assert Origin.read(tmp_path / "mine").version == "v0.1.0"


def test_an_upgrade_replaces_the_code_and_touches_nothing_else(mine: Path) -> None:
    """Over two versions, one after the other: each one commit; a changed code file is named and kept as a patch that
    applies to the version it was made for; the migration of the version runs; the user's files stay."""
    done = upgrade.upgrade(mine, "v0.2.0", tests=True)
    assert (done.changed, done.migrations) == ((), ())
    assert not (mine / "pipeline/old.py").exists()
    assert (mine / "pipeline/new.py").is_file()
    assert (mine / CHOSEN).read_text() == "# chosen:\n", "a file of the user's that this version begins"
    _write(mine, {CHOSEN: "# chosen: lightgbm\n"}, "choose an extra")
    _write(mine, {"pipeline/stage.py": "two = 2  # mine\n", "pipeline/mine.py": "mine\n"}, "change the code")
    count = int(_git(mine, "rev-list", "--count", "HEAD"))
    done = upgrade.upgrade(mine, "v0.3.0", tests=True)
    assert (done.changed, done.migrations) == (("pipeline/stage.py",), ("v0.3.0",))
    assert int(_git(mine, "rev-list", "--count", "HEAD")) == count + 1
    assert _git(mine, "status", "--porcelain") == ""
    assert (mine / "pipeline/stage.py").read_text() == "three = 3\n"
    assert "+two = 2  # mine" in (mine / "patches/v0.2.0-v0.3.0.patch").read_text()
    assert (mine / "params.yaml").read_text() == "model: {name: houses}\n# migrated\n"
    for path in ("features/area.py", "data/houses.csv.dvc", "gitops/models/houses/staging/record.yaml"):
        assert (mine / path).read_text() == "mine\n"
    assert (mine / CHOSEN).read_text() == "# chosen: lightgbm\n"
    assert (mine / "pipeline/mine.py").is_file()
    assert (mine / ".github/workflows/mine.yml").is_file()
    assert json.loads((mine / FILE).read_text())["version"] == "v0.3.0"
    assert _git(mine, "worktree", "list").count("\n") == 0


def test_an_upgrade_that_fails_changes_nothing(versions: Path, mine: Path) -> None:
    """Failing tests, uncommitted changes, a version that is not there or is here already: all stays as it was."""
    _git(versions, "checkout", "--quiet", "main")
    _write(versions, {"Makefile": "test:\n\t@false\n"}, "version 4")
    _git(versions, "tag", "v0.4.0")
    before = _git(mine, "rev-parse", "HEAD")
    with pytest.raises(GateRefused, match="ended with 2: nothing was changed"):
        upgrade.upgrade(mine, "v0.4.0", tests=True)
    with pytest.raises(UsageError, match=r"v9.0.0 cannot be brought"):
        upgrade.upgrade(mine, "v9.0.0", tests=True)
    with pytest.raises(UsageError, match="already"):
        upgrade.upgrade(mine, "v0.1.0", tests=True)
    assert (_git(mine, "rev-parse", "HEAD"), _git(mine, "status", "--porcelain")) == (before, "")
    (mine / "params.yaml").write_text("changed\n")
    with pytest.raises(UsageError, match="uncommitted"):
        upgrade.upgrade(mine, "v0.2.0", tests=True)
