"""`configure`: a user's values in one command, the same command again changes nothing."""

import dataclasses
import json
import re

import pytest

from release import settings
from release.gitops.folder import Folder
from release.settings import Settings
from tests.release.conftest import ROOT, Repository, git
from tests.release.github import GitHub


@pytest.fixture(autouse=True)
def dvc(plain: Repository) -> None:
    """The repository has the tree's DVC configuration."""
    (plain.folder / ".dvc").mkdir()
    (plain.folder / ".dvc/config").write_text((ROOT / ".dvc/config").read_text())


def test_sets_and_says_what_changed(plain: Repository) -> None:
    """The values given change, in settings.yaml and for the DVC remote, and each is said; again, nothing changes."""
    before = settings.read(plain.folder)
    command = ("configure", "--bucket", "mine", "--set", "REGION=us-east-1", "--set", "GITOPS_REMOTE=git@h:me/x.git")
    done = plain.release(*command)
    assert done.out.splitlines() == [
        f"bucket: {before.bucket} → mine",
        f"region: {before.region} → us-east-1",
        "gitops-remote: (empty) → git@h:me/x.git",
        ".dvc/config url: s3://modelpin/dvc → s3://mine/dvc",
        ".dvc/config region: eu-west-1 → us-east-1",
        "gitops/aws: 13 files changed",
    ]
    chosen = settings.read(plain.folder)
    assert (chosen.bucket, chosen.region, chosen.prefix) == ("mine", "us-east-1", before.prefix)
    dvc = (plain.folder / ".dvc/config").read_text()
    assert "url = s3://mine/dvc" in dvc
    assert "verify = true" in dvc
    git(plain.folder, "add", "--all")
    assert plain.release(*command).out == "nothing to change"
    assert git(plain.folder, "diff") == ""


def test_production_is_where_all_are_until_it_is_said(plain: Repository) -> None:
    """Branch and URL of production follow those of all, also in a file that knows none, until it has its own."""
    file = plain.folder / settings.PATH
    lines = settings.render(Settings(gitops_branch="trunk")).splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "  production-" not in line))
    assert plain.release("configure", "--region", "us-east-1").code == 0
    assert settings.read(plain.folder).production_branch == "trunk"
    done = plain.release("configure", "--gitops-branch", "live")
    assert done.out.splitlines() == ["production-branch: trunk → live", "gitops-branch: trunk → live"]
    assert plain.release("configure", "--production-branch", "production").code == 0
    assert plain.release("configure", "--gitops-branch", "main").out == "gitops-branch: live → main"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--bucket", "My Bucket"), 10),
        (("--bucket", "fine", "--registry", "p:latest"), 10),
        (("--set", "BUKET=x"), 2),
        (("--set", "BUCKET"), 2),
        (("--buckets", "x"), 2),
    ],
)
def test_one_bad_value_changes_nothing(plain: Repository, arguments: tuple[str, ...], code: int) -> None:
    """With one value that is not usable, or an unknown name, nothing is written."""
    git(plain.folder, "add", "--all")
    assert plain.release("configure", *arguments).code == code
    assert git(plain.folder, "diff") == ""


def test_settings_are_lines_for_a_workflow(plain: Repository) -> None:
    """`settings` prints each value as one NAME=VALUE line."""
    chosen = settings.read(plain.folder)
    lines = plain.release("settings").out.splitlines()
    assert dict(line.split("=", 1) for line in lines) == {
        settings.key(name): value for name, value in dataclasses.asdict(chosen).items()
    }


def test_writes_the_file_when_it_is_missing(plain: Repository) -> None:
    """Without a settings.yaml the defaults and the values given are written."""
    (plain.folder / settings.PATH).unlink()
    lines = plain.release("configure", "--domain", "models.mine.org").out.splitlines()
    assert lines[0] == "domain: models.example.com → models.mine.org"
    assert settings.read(plain.folder).domain == "models.mine.org"
    (plain.folder / settings.PATH).unlink()
    assert plain.release("configure").out == "gitops/settings/settings.yaml: written"


def test_a_name_that_no_host_can_hold_is_refused_early(plain: Repository) -> None:
    """`<model>-<8 digits>-predictor` is one label of a host: a model's name of 45 characters is 10, nothing written."""
    before = settings.read(plain.folder)
    (plain.folder / "params.yaml").write_text(f"model: {{name: {'a' * 45}}}\n")
    done = plain.release("configure", "--bucket", "mine")
    assert (done.code, "take 44" in done.err) == (10, True), done.err
    assert settings.read(plain.folder) == before
    (plain.folder / "params.yaml").write_text(f"model: {{name: {'a' * 44}}}\n")
    assert plain.release("configure", "--bucket", "mine").code == 0


@pytest.mark.parametrize(("letters", "code"), [(16, 0), (17, 10)])
def test_a_joined_host_fits_into_one_label(plain: Repository, letters: int, code: int) -> None:
    """A name that the trained model or any folder has: 16 letters make 63 with production, 17 are refused unwritten."""
    name = "a" * letters
    folder = Folder(name, "production")
    assert len(f"{folder.model}-12345678-predictor-{folder.namespace}") == 63 + 2 * (letters - 16)
    plain.release("adopt", "--model", name)
    before = settings.read(plain.folder)
    done = plain.release("configure", "--set", "HOST_FORM=name-namespace")
    assert done.code == code
    assert (settings.read(plain.folder) == before) is bool(code)
    assert "choose a shorter name" in done.err if code else done.out.startswith("host-form: ")
    named = re.findall(r"has at most (\d+) characters", (ROOT / "docs/to-your-cluster/exposure.md").read_text())
    assert named == ["16"]


def test_github_is_asked_for_the_numbers(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The subjects that AWS is to trust hold the numbers of repository and owner, as the real gh brings them."""
    with GitHub() as github:
        for name, value in github.env.items():
            monkeypatch.setenv(name, value)
        output = plain.release("configure", "--set", "GITHUB_REPOSITORY=acme/ml", "--account", "123456789012")
    assert output.code == 0, output.err
    assert "github-repository-id: 0 → 1234" in output.out
    assert github.writes == []
    trust = json.loads((plain.folder / "gitops/aws/publish-trust.json").read_text())["Statement"][0]
    assert trust["Principal"]["Federated"].startswith("arn:aws:iam::123456789012:oidc-provider/")
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:acme/ml:environment:publish",
        "repo:acme@56/ml@1234:environment:publish",
    ]


def test_without_github_the_numbers_are_given(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """No gh, or a repository that GitHub does not show: 10 with the way out. With the numbers nobody is asked."""
    before = settings.read(plain.folder)
    command = ("configure", "--github-repository", "acme/other")
    numbers = ("--github-repository-id", "1", "--github-owner-id", "2")
    with GitHub() as github:
        for name, value in github.env.items():
            monkeypatch.setenv(name, value)
        done = plain.release(*command)
        assert (done.code, "HTTP 404" in done.err, "GITHUB_OWNER_ID=" in done.err) == (10, True, True), done.err
        monkeypatch.setenv("PATH", "/nonexistent")
        done = plain.release(*command)
        assert (done.code, "`gh` is not installed" in done.err) == (10, True)
        assert settings.read(plain.folder) == before
        monkeypatch.setenv("PATH", github.env["PATH"])
        count = len(github.calls)
        assert plain.release(*command, *numbers).code == 0
        assert len(github.calls) == count
    assert plain.release("configure", "--account", "12345").code == 10
