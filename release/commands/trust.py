"""Say whose signatures on artifacts count: add a signer to gitops/ of the working tree, remove one, or list them."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from artifact import text_file
from artifact.attestation.signers import FILE, Signer, Signers
from artifact.errors import ConfigurationError, UsageError
from release import command_line
from release.checkout import Checkout
from release.gitops import signers
from release.gitops.worktree import Worktree
from release.settings import Settings

_ISSUER = "https://token.actions.githubusercontent.com"  # of the tokens of GitHub's jobs


def main(argv: Sequence[str] | None = None) -> None:
    """Write signers.yaml, or print it. ConfigurationError (10), StorageError (30) without Sigstore's root."""
    line = command_line.parser("trust", __doc__)
    line.add_argument("name", nargs="?", help="of the signer, for messages; without it, they are listed")
    line.add_argument("--key", type=Path, metavar="FILE", help="it signs with this key: PEM, the public part is taken")
    line.add_argument("--workflow", metavar="FILE", help="it is this workflow of github-repository, as train.yml")
    line.add_argument("--trusted-root", type=Path, metavar="FILE", help="of the Sigstore that knows the workflow")
    line.add_argument("--until", type=date.fromisoformat, metavar="DAY", help="the last day on which it may sign")
    line.add_argument("--out", type=Path, metavar="DIR", help="write what a predictor's --signers reads there")
    line.add_argument("--remove", action="store_true", help="what it signed does not count any more")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    before = signers.of(Worktree(checkout.root))
    if arguments.out is not None:
        for name, text in before.files.items():
            text_file.write(arguments.out / name, text)
        print(arguments.out / FILE)
        return
    if arguments.name is None:
        print("\n".join(f"{signer.name}: {_described(signer)}" for signer in before.listed) or "nobody")
        return
    after = _without(before, arguments.name) if arguments.remove else _with(before, arguments, checkout.settings)
    for path, text in signers.files(after).items():
        text_file.write(checkout.root / path, text)
    print(f"{signers.PATH}: commit and push it")


def _without(trusted: Signers, name: str) -> Signers:
    rest = tuple(signer for signer in trusted.listed if signer.name != name)
    if len(rest) == len(trusted.listed):
        raise UsageError(f"{name!r} is none of those that are trusted: {trusted.names}")
    return dataclasses.replace(trusted, listed=rest)


def _with(trusted: Signers, arguments: argparse.Namespace, settings: Settings) -> Signers:
    if (arguments.key is None) == (arguments.workflow is None):
        raise UsageError("say who it is: --key or --workflow")
    if arguments.name in [signer.name for signer in trusted.listed]:
        raise UsageError(f"{arguments.name!r} is trusted already: choose another name, or --remove it first")
    if arguments.key is not None:
        signer = Signer(arguments.name, arguments.until, key=_public_key(arguments.key))
        return dataclasses.replace(trusted, listed=(*trusted.listed, signer))
    identity = (
        f"https://github.com/{settings.github_repository}/.github/workflows/{arguments.workflow}"
        f"@refs/heads/{settings.github_branch}"
    )
    signer = Signer(arguments.name, arguments.until, identity=identity, issuer=_ISSUER)
    return Signers((*trusted.listed, signer), _trusted_root(arguments.trusted_root, trusted.trusted_root))


def _public_key(path: Path) -> bytes:
    from release.signing import private_key  # cryptography, which a list does without

    return private_key.public_part(_text(path), str(path))


def _trusted_root(path: Path | None, stored: str | None) -> str:
    if path is not None:
        return _text(path)
    if stored is not None:
        return stored
    from release.signing import keyless  # Sigstore's libraries

    return keyless.trusted_root()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _described(signer: Signer) -> str:
    who = "a key" if signer.key is not None else f"{signer.identity}, by {signer.issuer}"
    return who + (f", until {signer.until}" if signer.until else "")
