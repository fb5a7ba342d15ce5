"""Whose signatures count: public keys, and identities that sign without a key of their own.

A JSON document, {"signers": [...]}, of two kinds of entries:

    {"name": "publish-2026", "key": "<base64 of a P-256 public key, DER>", "until": "2027-11-30"}
    {"name": "train", "identity": "https://github.com/…/train.yml@refs/heads/main", "issuer": "https://token.actions…"}

`until` may be left out: the last day, in UTC, on which that signer may sign. What was signed by then goes on counting.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from artifact import strict_json
from artifact.errors import ConfigurationError, IntegrityError
from artifact.text_file import readable_json

FILE = "signers.json"
# Certificates and logs of the Sigstore whose identities count, beside FILE; it is Sigstore's own format.
TRUSTED_ROOT = "trusted_root.json"
_KINDS = ({"key"}, {"identity", "issuer"})


@dataclass(frozen=True)
class Signer:
    """One of them. `key`: the public key, DER; None for an identity, which `issuer` vouches for."""

    name: str
    until: date | None = None
    key: bytes | None = None
    identity: str = ""
    issuer: str = ""

    def may_sign_at(self, time: datetime) -> bool:
        """Whether what it signed at `time` counts."""
        return self.until is None or time.astimezone(UTC).date() <= self.until

    def to_dict(self) -> dict[str, str]:
        """Its entry in the document."""
        if self.key is not None:
            entry = {"name": self.name, "key": base64.b64encode(self.key).decode()}
        else:
            entry = {"name": self.name, "identity": self.identity, "issuer": self.issuer}
        return entry if self.until is None else entry | {"until": self.until.isoformat()}


@dataclass(frozen=True)
class Signers:
    """All of them; `trusted_root`: the text of TRUSTED_ROOT, which identities need."""

    listed: tuple[Signer, ...]
    trusted_root: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """Name → text: FILE, and TRUSTED_ROOT where there is one."""
        listed = {FILE: readable_json({"signers": [signer.to_dict() for signer in self.listed]})}
        return listed if self.trusted_root is None else listed | {TRUSTED_ROOT: self.trusted_root}

    @property
    def names(self) -> str:
        """For messages."""
        return ", ".join(signer.name for signer in self.listed) or "nobody"


def parse(text: str, origin: str, trusted_root: str | None = None) -> Signers:
    """Signers from the text of the document; ConfigurationError (10) names `origin` and what is wrong there."""
    try:
        value = strict_json.read(text.encode(), origin)
        if type(value) is not dict or set(value) != {"signers"} or type(value["signers"]) is not list:
            raise ValueError('it is not {"signers": [...]}')
        signers = Signers(tuple(map(_signer, value["signers"])), trusted_root)
        names = [signer.name for signer in signers.listed]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two signers are called {twice[0]!r}")
        persons = [(signer.key, signer.identity, signer.issuer) for signer in signers.listed]
        if twice := [name for name, person in zip(names, persons, strict=True) if persons.count(person) > 1]:
            raise ValueError(f"{' and '.join(twice)} are one signer: leave one of them, with the day that counts")
    except (ValueError, TypeError, IntegrityError) as error:
        raise ConfigurationError(f"{origin} does not say whom to trust: {error}; see docs/signed-models.md") from error
    if trusted_root is None and (keyless := [signer.name for signer in signers.listed if signer.key is None]):
        raise ConfigurationError(
            f"{origin} names the identity {keyless[0]!r} without {TRUSTED_ROOT} beside it: `python -m release trust` "
            "writes both"
        )
    return signers


def read(path: Path) -> Signers:
    """Signers from the file at `path`, with TRUSTED_ROOT beside it if there; ConfigurationError (10)."""
    try:
        root = path.with_name(TRUSTED_ROOT)
        return parse(path.read_text("utf-8"), str(path), root.read_text("utf-8") if root.exists() else None)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read, so nobody is trusted: {error}") from error


def _signer(entry: Any) -> Signer:
    if type(entry) is not dict or not all(type(item) is str and item for item in entry.values()):
        raise TypeError(f"{str(entry)[:80]!r} is no object of texts")
    if set(entry) - {"name", "until"} not in _KINDS or "name" not in entry:
        raise ValueError(
            f"an entry has the keys {sorted(entry)}, not name, key or identity and issuer, and maybe until"
        )
    until = date.fromisoformat(entry["until"]) if "until" in entry else None
    if "key" not in entry:
        return Signer(entry["name"], until, identity=entry["identity"], issuer=entry["issuer"])
    try:
        return Signer(entry["name"], until, key=base64.b64decode(entry["key"], validate=True))
    except binascii.Error as error:
        raise ValueError(f"the key of {entry['name']!r} is not base64: {error}") from error
