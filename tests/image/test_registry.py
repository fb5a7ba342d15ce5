"""`python -m image` with a real registry on loopback, and attestations that the real gh verifies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from artifact.errors import ModelpinError
from image import __main__, attestation
from image.registry import Registry
from local.program import find
from tests.image import registry
from tests.image.signer import PROVENANCE, SBOM, Identity, Signer, push

pytestmark = pytest.mark.image
OURS = Identity("acme/ml")
TAG = f"inputs-{'0a' * 10}"


@dataclass
class Images:
    """A registry with no images, and who may attest some."""

    server: str
    folder: Path
    signer: Signer

    def build(self, contents: str = "", version: str = TAG) -> str:
        """What `make image-build` leaves, without the build: its digest."""
        return registry.layout(self.folder / "build/image", version, contents)

    def attest(self, digest: str, identity: Identity = OURS, kinds: tuple[str, ...] = (PROVENANCE, SBOM)) -> None:
        name = f"{self.server}/predictor"
        for kind in kinds:
            push(self.server, "predictor", digest, self.signer.bundle(name, digest, kind, {}, identity))


@pytest.fixture
def images(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Images]:
    """A working directory with settings, and gh with the trusted root of the tests' own Sigstore."""
    if "image" not in (request.config.option.markexpr or ""):
        pytest.skip("asks a registry, for some seconds: make test PYTEST_ARGS='-m image'")
    signer = Signer(tmp_path)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/gh"
    program.write_text(f'#!/bin/sh\nexec "{find("gh")}" "$@" --custom-trusted-root "{signer.trusted_root}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_TOKEN", "a token that GitHub is not asked with")
    monkeypatch.chdir(tmp_path)
    with registry.running(tmp_path / "registry") as server:
        settings = tmp_path / "gitops/settings/settings.yaml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f'data:\n  registry: "{server}/predictor"\n  github-repository: "acme/ml"\n  github-branch: "main"\n'
        )
        yield Images(server, tmp_path, signer)


def run_find(capfd: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The digest that `find` prints, and what people read."""
    capfd.readouterr()
    __main__.main(["find", TAG])
    out, err = capfd.readouterr()
    assert out.startswith("digest=")
    return out.removeprefix("digest=").strip(), err


def test_only_what_is_attested_is_found(images: Images, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing there: built. Pushed: not used before it is attested, both ways. Then it is found, and verifies."""
    assert run_find(capfd)[0] == ""
    digest = images.build()
    __main__.main(["push", TAG])
    printed, words = run_find(capfd)
    assert printed == ""
    assert "::warning title=image::" in words
    assert "no provenance of" in words
    images.attest(digest, kinds=(PROVENANCE,))
    assert "no SBOM of" in run_find(capfd)[1]
    images.attest(digest, kinds=(SBOM,))
    assert run_find(capfd)[0] == digest
    assert __main__.main(["verify", f"{images.server}/predictor@{digest}"]) == 0


@pytest.mark.parametrize(
    "identity",
    [
        Identity("evil/ml"),
        replace(OURS, workflow=".github/workflows/other.yml"),
        replace(OURS, ref="refs/heads/mine"),
        replace(OURS, runner="self-hosted"),
        replace(OURS, caller="evil/ml"),
        replace(OURS, valid=(-2, -1)),
        replace(OURS, valid=(1, 2)),
        None,
    ],
    ids=[
        *("another repository", "another workflow", "another branch", "a runner of somebody", "called by another"),
        *("an expired certificate", "a certificate of tomorrow", "another signer"),
    ],
)
def test_an_attestation_of_another_identity_is_refused(
    images: Images, capfd: pytest.CaptureFixture[str], identity: Identity | None
) -> None:
    """Who did not sign it as image.yml on main of this repository did not sign it: not found, and 20 when verified."""
    digest = images.build()
    __main__.main(["push", TAG])
    if identity is None:
        own = images.folder / "another"
        own.mkdir()
        replace(images, signer=Signer(own)).attest(digest)
    else:
        images.attest(digest, identity)
    assert run_find(capfd)[0] == ""
    with pytest.raises(ModelpinError, match=r"no provenance of .* holds") as caught:
        __main__.main(["verify", f"{images.server}/predictor@{digest}"])
    assert caught.value.exit_code == 20


def test_an_attestation_of_another_image_is_refused(images: Images, capfd: pytest.CaptureFixture[str]) -> None:
    """A bundle of an image that was attested, put beside one that was not."""
    other = images.build("other")
    digest = images.build()
    __main__.main(["push", TAG])
    for kind in (PROVENANCE, SBOM):
        bundle = images.signer.bundle(f"{images.server}/predictor", other, kind, {}, OURS)
        push(images.server, "predictor", digest, bundle)
    assert run_find(capfd)[0] == ""


def test_a_changed_attestation_is_refused(images: Images, capfd: pytest.CaptureFixture[str]) -> None:
    """A statement about this image, under the signature of the same workflow on a statement about another image."""
    digest = images.build()
    __main__.main(["push", TAG])
    for kind in (PROVENANCE, SBOM):
        name = f"{images.server}/predictor"
        own, other = (
            json.loads(images.signer.bundle(name, each, kind, {}, OURS)) for each in (digest, "sha256:" + "0" * 64)
        )
        other["dsseEnvelope"]["payload"] = own["dsseEnvelope"]["payload"]
        push(images.server, "predictor", digest, json.dumps(other).encode())
    assert run_find(capfd)[0] == ""


def test_a_tag_that_moves_while_it_is_looked_at_changes_nothing(
    images: Images, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the image of a tag is verified somebody pushes another one under the tag: what is named is the digest that
    was verified."""
    digest = images.build()
    __main__.main(["push", TAG])
    images.attest(digest)
    verify = attestation.verify

    def moves(image: str, identity: attestation.Identity) -> None:
        other = images.build("of somebody")
        Registry(f"{images.server}/predictor").push(Path("build/image"), TAG)
        assert registry.tags(images.server)[TAG] == other != digest
        verify(image, identity)

    with monkeypatch.context() as patch:
        patch.setattr(attestation, "verify", moves)
        assert run_find(capfd)[0] == digest
    assert run_find(capfd)[0] == "", "the tag now leads to an image that nobody attested"


def test_credentials_that_cannot_be_read_are_not_an_absent_image(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """skopeo says of a helper that is not installed that it was not found; the image may well be there: 30."""
    (images.folder / "auth.json").write_text(json.dumps({"credHelpers": {images.server: "nowhere"}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(images.folder / "auth.json"))
    with pytest.raises(ModelpinError, match="docker-credential-nowhere") as caught:
        __main__.main(["find", TAG])
    assert caught.value.exit_code == 30


def test_an_attested_image_of_other_inputs_is_refused(images: Images, capfd: pytest.CaptureFixture[str]) -> None:
    """A tag proves nothing: an older image, attested in its time, is not what these inputs make."""
    digest = images.build(version=f"inputs-{'ff' * 10}")
    __main__.main(["push", TAG])
    images.attest(digest)
    printed, words = run_find(capfd)
    assert printed == ""
    assert "it says that it is 'inputs-ffff" in words


def test_a_build_that_is_equal_is_not_pushed_again(images: Images, capfd: pytest.CaptureFixture[str]) -> None:
    """Attested at last, it is found. One that differs gets the next tag, and the newest that is attested is taken."""
    digest = images.build()
    __main__.main(["push", TAG])
    __main__.main(["push", TAG])
    assert "has sha256:" in capfd.readouterr().err
    images.attest(digest)
    second = images.build("differs")
    __main__.main(["push", TAG])
    words = capfd.readouterr().err
    assert "differs from every image of" in words
    assert f"predictor:{TAG}-2 is {second}" in words
    assert run_find(capfd)[0] == digest, "the second is not attested yet"
    images.attest(second)
    assert run_find(capfd)[0] == second


def test_without_attestations_nothing_is_found(
    images: Images, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the plan has none (IMAGE_ATTESTATIONS is not true) each run builds: no tag is believed."""
    digest = images.build()
    __main__.main(["push", TAG])
    images.attest(digest)
    monkeypatch.setenv("ATTESTATIONS", "")
    assert run_find(capfd)[0] == ""


def test_a_registry_that_does_not_answer_is_named(images: Images) -> None:
    """That is not an image that is absent: 30, before anything is built."""
    settings = images.folder / "gitops/settings/settings.yaml"
    settings.write_text(settings.read_text().replace(images.server, "127.0.0.1:1"))
    with pytest.raises(ModelpinError, match=r"skopeo inspect failed: .*127\.0\.0\.1:1") as caught:
        __main__.main(["find", TAG])
    assert caught.value.exit_code == 30
