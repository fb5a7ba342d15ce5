"""A push to the origin: workflows are chosen by their own filters and run unmodified through act."""

import re
import subprocess
from pathlib import Path

import pytest

from local import git
from local.state import State

CHECKOUT = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd"
CONFIGURE = "aws-actions/configure-aws-credentials@00943011d9042930efac3dcd3a170e4273319bc8"
# It does what train.yml does to Git: a commit of gitops/ from within the run, pushed to where it came from.
DEPLOY = f"""
name: deploy
on:
  push:
    branches: [BRANCH]
    paths: PATHS
permissions: {{}}
concurrency: {{group: "deploy-${{{{ github.ref }}}}", cancel-in-progress: false}}
jobs:
  image:
    uses: ./.github/workflows/image.yml
    permissions: {{contents: read}}
  deploy:
    needs: image
    runs-on: ubuntu-latest
    permissions: {{contents: write}}
    env:
      TRACKING: ${{{{ vars.MLFLOW_TRACKING_URI }}}}
    steps:
      - uses: {CHECKOUT} # v6
        with: {{fetch-depth: 0}}
      - name: without credentials
        run: test -z "${{AWS_SECRET_ACCESS_KEY:-}}" && test -z "${{LEAKED:-}}"
      - uses: {CONFIGURE} # v5
        with: {{aws-region: eu-west-1, role-to-assume: some-role}}
      - name: commit
        run: |
          set -e
          test -n "$AWS_SECRET_ACCESS_KEY" && test -n "$AWS_ENDPOINT_URL" && test -n "$TRACKING"
          test "$GITHUB_RUN_ID" -gt 1
          echo "environments in $MODELPIN_VENVS"
          mkdir -p gitops
          if git log --format=%an | grep -q bot; then exit 0; fi
          echo "${{{{ needs.image.outputs.digest }}}} $GITHUB_SHA" > gitops/record
          git add gitops
          git -c user.name=bot -c user.email=bot@localhost commit --quiet --message "deploy"
          git push origin "HEAD:$GITHUB_REF_NAME"
      - name: summary
        run: echo "deployed from $GITHUB_REPOSITORY" >> "$GITHUB_STEP_SUMMARY"
"""
IMAGE = f"""
name: image
on:
  workflow_call:
    outputs:
      digest: {{value: "${{{{ jobs.build.outputs.digest }}}}"}}
jobs:
  build:
    runs-on: ubuntu-latest
    outputs: {{digest: "${{{{ steps.build.outputs.digest }}}}"}}
    steps:
      - uses: {CHECKOUT} # v6
      - uses: actions/attest@263435318d21b8e681c14492fe198d362a7d2c83 # v4
        with: {{subject-name: image, subject-digest: none}}
      - id: build
        run: |
          buildah bud .
          buildah manifest push --all image oci:layout
          echo "digest=$(sed 's/.*"digest": "//; s/".*//' layout/index.json)" | tee -a "$GITHUB_OUTPUT"
"""


class Clone:
    """A person's clone of the platform's origin, on a branch of its own so that the tests do not meet."""

    def __init__(self, state: State, folder: Path, paths: str) -> None:
        self.state, self.folder, self.branch = state, folder, folder.name.replace("_", "-")
        folder.mkdir()
        git.run(folder, "init", "--quiet", f"--initial-branch={self.branch}")
        self.write(".github/workflows/deploy.yml", DEPLOY.replace("PATHS", paths).replace("BRANCH", self.branch))
        self.write(".github/workflows/image.yml", IMAGE)
        self.write("Dockerfile", "FROM scratch\nCOPY src/ src/\n")
        self.write("src/a.py", "1\n")

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def push(self, message: str = "change") -> str:
        """What the push shows."""
        git.run(self.folder, "add", "--all")
        git.run(self.folder, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", message)
        done = subprocess.run(
            ["git", "-C", self.folder, "push", str(self.state.origin), f"HEAD:{self.branch}"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return "\n".join(line.removeprefix("remote: ").rstrip() for line in done.stderr.splitlines())

    def pull(self) -> None:
        git.run(self.folder, "pull", "--quiet", str(self.state.origin), self.branch)


@pytest.fixture
def clone(platform: State, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.setenv("LEAKED", "a person's own variable")
    monkeypatch.setenv("MODELPIN_VENVS", "/a/person's/own")
    return Clone(platform, tmp_path / request.node.name, "[src/**]")


def test_a_push_runs_the_workflow_and_its_own_push_starts_nothing(clone: Clone) -> None:
    """The unmodified workflow runs on the pushed commit, commits, and that commit is judged by the same filters."""
    output = clone.push()
    assert ".github/workflows/deploy.yml starts: src/a.py is in its paths" in output
    assert ".github/workflows/image.yml does not start: it does not start on a push" in output
    assert "deploy.yml succeeded after" in output
    assert "deployed from local/modelpin" in output
    log = next(Path(line.rpartition("log: ")[2]) for line in output.splitlines() if "log: " in line)
    assert "no changed file is in its paths (such as gitops/record)" in log.read_text()
    assert f"environments in {clone.state.describe()['venvs']}" in log.read_text(), "one place for all pushes"
    first = clone.folder / "gitops" / "record"
    clone.pull()
    digest, commit = first.read_text().split()
    assert digest.startswith("sha256:")
    assert commit == git.run(clone.folder, "rev-parse", "HEAD~1").strip()
    clone.write("README.md", "x")
    assert "deploy.yml does not start" in clone.push()
    clone.write("src/a.py", "2\n")
    assert "does not start: the commit message says [skip ci]" in clone.push("later [skip ci]")
    leftovers = clone.state.runner / "work"
    assert list(leftovers.iterdir()) == []


def test_a_widened_filter_starts_on_its_own_push(platform: State, tmp_path: Path) -> None:
    """With gitops/ among the paths the bot's push starts a second run, which waits for the first and then runs."""
    output = Clone(platform, tmp_path / "widened", "[src/**, gitops/**]").push()
    assert output.count("deploy.yml succeeded after") == 2


def test_a_failing_step_is_shown(clone: Clone) -> None:
    """A failing workflow leaves the push standing and shows the failing step's own words."""
    text = (clone.folder / ".github/workflows/deploy.yml").read_text()
    # act reads a step's words from a terminal, and may miss them where the step ends at once.
    clone.write(".github/workflows/deploy.yml", text.replace("set -e", "echo the reason; sleep 2; exit 3"))
    output = clone.push()
    assert "| the reason" in output
    assert "deploy.yml failed after" in output


def test_an_action_without_stand_in_is_named(clone: Clone) -> None:
    """An action that has no stand-in is an error before anything runs, naming the file to write."""
    text = (clone.folder / ".github/workflows/image.yml").read_text()
    clone.write(".github/workflows/image.yml", text.replace("actions/attest@", "actions/unknown@"))
    assert "which has no stand-in for this machine: write local/actions/actions/unknown/action.yml" in clone.push()


def test_the_image_digest_follows_what_is_copied(clone: Clone) -> None:
    """Equal inputs of the image give the same digest, a changed file that it COPYs another."""
    clone.push()
    clone.pull()
    before = (clone.folder / "gitops/record").read_text().split()[0]
    git.run(clone.folder, "rm", "-r", "-q", "gitops")
    digests = []
    for path, text in [("src/a.py", "2\n"), ("docs", "x"), ("src/a.py", "1\n")]:
        clone.write(path, text)
        output = clone.push()
        log = next((Path(line.rpartition("log: ")[2]) for line in output.splitlines() if "log: " in line), None)
        if log:
            digests += re.findall(r"\bdigest=(sha256:[0-9a-f]{64})$", log.read_text(), re.M)[:1]
    assert digests[0] != before
    assert digests[-1] == before
