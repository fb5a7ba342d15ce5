"""gitops/settings/evidence.yaml: where each environment's evidence comes from. People write it; read from the branch.

It decides what counts as a proof, so that the branch's reviewers guard it, and no option of a workflow replaces it. An
environment that it does not name is asked by HTTP at its hosts.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from artifact.errors import ConfigurationError
from release import quoted_yaml
from release.evidence.connection import PLAIN, Access
from release.quoted_yaml import Section

PATH = "gitops/settings/evidence.yaml"
HOSTS, PROMETHEUS, ARGOCD = "hosts", "prometheus", "argocd"
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Reader(Protocol):
    """Reads a file by its path from the root of the repository; None when there is none."""

    def read(self, path: str) -> str | None: ...


@dataclass(frozen=True)
class Source:
    """Where the evidence of one environment comes from.

    `kind`: HOSTS, PROMETHEUS or ARGOCD; the other fields are of that kind, else empty.
    """

    kind: str = HOSTS
    access: Access = PLAIN  # of the hosts
    url: str = ""  # of Prometheus
    repository: str = ""  # owner/name that Argo CD reports to
    app: int = 0  # number of the GitHub App that Argo CD reports as


def of(reader: Reader, environment: str) -> Source:
    """The source of `environment`; ConfigurationError (10) for a file that says what is not built."""
    text = reader.read(PATH)
    if text is None:
        return Source()
    entries = quoted_yaml.load(text, PATH)
    if environment not in entries:
        return Source()
    origin = f"{environment} in {PATH}"
    section = Section(entries[environment], origin)
    kind = section.text("from")
    if kind == HOSTS:
        source = Source(kind, _access(section, reader, origin))
    elif kind == PROMETHEUS:
        source = Source(kind, url=_url(section.text("url"), origin))
    elif kind == ARGOCD:
        source = Source(kind, repository=section.text("repository"), app=section.whole("app", 0))
        if not _REPOSITORY.fullmatch(source.repository) or source.app < 1:
            raise ConfigurationError(
                f"{origin}: argocd needs `repository: owner/name` and `app:`, the number of a GitHub App"
            )
    else:
        raise ConfigurationError(f"{origin}: from must be one of {HOSTS}, {PROMETHEUS}, {ARGOCD}, not {kind!r}")
    section.end()
    return source


def _access(section: Section, reader: Reader, origin: str) -> Access:
    scheme, ca, named = section.value("scheme", "http"), section.text_or_none("ca"), section.value("headers", {})
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"{origin}: scheme must be http or https, not {scheme!r}")
    if not isinstance(named, dict):
        raise ConfigurationError(f"{origin}: headers must be names of headers to names of variables, not {named!r}")
    headers = {header: _secret(header, variable, origin) for header, variable in named.items()}
    return Access(scheme, _certificates(ca, reader, origin), headers)


def _certificates(path: str | None, reader: Reader, origin: str) -> str | None:
    if path is None:
        return None
    text = reader.read(path)
    if text is None:
        raise ConfigurationError(f"{origin}: the branch has no file {path!r}: commit the certificates of the CA there")
    try:
        ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{origin}: {path} holds no certificate in PEM: {error.reason}") from error
    return text


def _secret(header: str, variable: object, origin: str) -> str:
    """The value of the header, from the environment variable that the file names."""
    if not _HEADER.fullmatch(str(header)) or not _VARIABLE.fullmatch(str(variable)):
        raise ConfigurationError(f"{origin}: headers takes `Authorization: A_VARIABLE`, not {header}: {variable!r}")
    value = os.environ.get(str(variable), "")
    if not re.fullmatch(r"[\x20-\x7e]+", value):
        raise ConfigurationError(
            f"{origin}: the variable {variable}, for the header {header}, is not set, or no header's text"
        )
    return value


def _url(text: str, origin: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ConfigurationError(
            f"{origin}: url must be that of a Prometheus, as https://prometheus.example.com, not {text!r}"
        )
    return text
