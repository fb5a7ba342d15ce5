"""`release trust`: whose signatures count, as it writes them and as predictors read them."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifact.attestation import signers as lists
from artifact.attestation.signers import Signers
from release.gitops import signers
from release.gitops.worktree import Worktree
from tests.attestation import keys
from tests.attestation.keys import trusting
from tests.attestation.sigstore_instance import Instance
from tests.release.conftest import ROOT, Repository

TODAY = datetime.now(UTC).date()


@pytest.mark.example
def test_nobody_is_trusted_at_first() -> None:
    """What this repository comes with is what `trust` writes of nobody."""
    for path, text in signers.files(Signers(())).items():
        assert (ROOT / path).read_text() == text


def test_trust_writes_the_list(plain: Repository, tmp_path: Path) -> None:
    """A key, its public part, a workflow with its root, an end, a removal; what is there already is refused: 2."""
    first, second, root = keys.new_key(), keys.new_key(), tmp_path / "root.json"
    (tmp_path / "one.pem").write_text(first.pem)
    root.write_text(Instance().trusted_root)

    def run(*words: str) -> Any:
        return plain.release("trust", *words)

    assert run().out == "nobody"
    assert run("one", "--key", str(tmp_path / "one.pem"), "--until", "2027-01-31").out.startswith(signers.PATH)
    assert run("train", "--workflow", "train.yml", "--trusted-root", str(root)).code == 0
    text = (plain.folder / signers.PATH).read_text()
    assert first.pem.splitlines()[1] not in text
    identity = "https://github.com/example/modelpin/.github/workflows/train.yml@refs/heads/main"
    assert run().out.splitlines() == [
        "one: a key, until 2027-01-31",
        f"train: {identity}, by https://token.actions.githubusercontent.com",
    ]
    assert [run("one", "--key", "x").code, run("other").code, run("other", "--remove").code] == [2, 2, 2]
    assert run("other", "--key", str(root)).code == 10
    assert run("train", "--remove").code == 0
    read = signers.of(Worktree(plain.folder))
    assert [(entry.name, entry.key) for entry in read.listed] == [("one", first.public)]
    assert second.public not in [entry.key for entry in read.listed]


def test_the_predictor_is_told_the_same_list(plain: Repository) -> None:
    """What a predictor gets of the ConfigMap, and what `trust --out` writes, is the list that release reads."""
    trusted = dataclasses.replace(trusting(keys.new_key(), until=TODAY), trusted_root=Instance().trusted_root + "\n")
    (plain.folder / signers.PATH).parent.mkdir(parents=True)
    (plain.folder / signers.PATH).write_text(signers.render(trusted))
    assert signers.of(Worktree(plain.folder)) == trusted
    for name, text in yaml.safe_load((plain.folder / signers.PATH).read_text())["data"].items():
        (plain.folder / name).write_text(text)
    assert lists.read(plain.folder / lists.FILE) == trusted
    assert plain.release("trust", "--out", "there").out == "there/signers.json"
    assert lists.read(plain.folder / "there/signers.json") == trusted
