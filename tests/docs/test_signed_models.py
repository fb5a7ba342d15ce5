"""docs/signed-models.md against the code it speaks of."""

import dataclasses
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from artifact.attestation import bundle, statement
from artifact.attestation.signers import Signers
from artifact.attestation.statement import Statement
from artifact.digest import ArtifactUri
from artifact.manifest import BUNDLE
from release.commands import doctor
from release.doctor import signatures
from release.documents import bom
from release.gitops import signers
from release.page import model_card, report_archive
from release.signing import chosen, variables
from tests.attestation import keys

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/signed-models.md").read_text()


def rows(head: str) -> list[str]:
    """The first cells of the table whose head begins with `head`."""
    (result,) = re.findall(rf"^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M)
    return [line.split("|")[1].strip().strip("`") for line in result.splitlines()]


def test_the_statement_is_that_of_the_page() -> None:
    """Its type, each field of it, the file and its version."""
    assert rows("field") == [field.name for field in dataclasses.fields(Statement) if field.name != "model_digest"]
    assert f"`{statement.PREDICATE}`" in PAGE
    assert f"`{BUNDLE}`" in PAGE
    assert "(version 0.3)" in PAGE
    assert "v0.3+json" in bundle.MEDIA_TYPE


def test_the_variables_are_those_of_the_workflow() -> None:
    """Each one is read by publish, and set by train.yml or said to be set by hand."""
    names = [variables.KEY, variables.WAY, variables.TRUST_CONFIG]
    assert rows("variable") == names
    workflow = (ROOT / ".github/workflows/train.yml").read_text()
    assert f"{variables.KEY}: ${{{{ secrets.{variables.KEY} }}}}" in workflow
    assert f"{variables.WAY}: ${{{{ vars.{variables.WAY} }}}}" in workflow
    assert f"  {variables.WAY}: " in (ROOT / ".github/protection.yaml").read_text()


def test_the_places_are_those_of_the_code() -> None:
    """The list, the documents and where they are, the part of doctor, and how long before it warns."""
    assert f"`{signers.PATH}`" in PAGE
    assert rows("object") == [bom.FILE, model_card.FILE, report_archive.FILE]
    assert f"CycloneDX {bom.SPEC_VERSION}" in PAGE
    uri = ArtifactUri("<bucket>", "<prefix>", "<model>", "<digest>")
    assert f"`s3://<bucket>/{uri.about}`" in PAGE
    assert signatures.PART in doctor.PARTS
    assert "doctor signers" in PAGE
    assert signatures._SOON.days == 30
    assert "thirty days before" in PAGE


def test_every_path_is_there() -> None:
    """Each file and folder that the page names."""
    for path in re.findall(r"`(gitops/[\w./-]+)`", PAGE):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_the_key_of_the_page_signs(tmp_path: Path) -> None:
    """What its first command makes is a key that publish takes."""
    (command,) = re.findall(r"^(openssl .*?) +#", PAGE, re.M)
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)
    sign = chosen.sign(Signers(()), {variables.KEY: (tmp_path / "signing.pem").read_text()})
    assert sign is not None
    assert bundle.read(sign(keys.statement())).hint is not None
