"""gitops/settings/signers/signers.yaml: whose signatures count, as the branch says; a ConfigMap, for the predictor too.

`python -m release trust` writes it whole.
"""

from __future__ import annotations

import posixpath
from typing import Protocol

from artifact.attestation import signers
from artifact.attestation.signers import FILE, TRUSTED_ROOT, Signers
from release import quoted_yaml
from release.quoted_yaml import Section

PATH = "gitops/settings/signers/signers.yaml"
_HEAD = """\
# Whose signatures on artifacts count. Written whole by `python -m release trust` (docs/signed-models.md). Read from the
# branch where environment.yaml says `signatures: required`, and by the predictors where the component
# gitops/components/signed-models is.
apiVersion: v1
kind: ConfigMap
metadata:
  name: signers
data:
"""


_KUSTOMIZATION = """\
# What gitops/components/signed-models applies in each namespace.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - signers.yaml
"""


class Reader(Protocol):
    """Reads a file by its path from the root of the repository; None when there is none."""

    def read(self, path: str) -> str | None: ...


def of(reader: Reader) -> Signers:
    """The signers that the branch trusts, none without the file; ConfigurationError (10) for a file that is wrong."""
    text = reader.read(PATH)
    if text is None:
        return Signers(())
    data = Section(Section(quoted_yaml.load(text, PATH), PATH).value("data"), f"data in {PATH}")
    content, root = data.text(FILE), data.text_or_none(TRUSTED_ROOT)
    data.end()
    return signers.parse(content, f"{FILE} in {PATH}", root)


def files(trusted: Signers) -> dict[str, str]:
    """The whole folder: path from the root of the repository → text."""
    return {PATH: render(trusted), f"{posixpath.dirname(PATH)}/kustomization.yaml": _KUSTOMIZATION}


def render(trusted: Signers) -> str:
    """The whole text of signers.yaml."""
    return _HEAD + "".join(f"  {name}: |\n{_indented(text)}" for name, text in trusted.files.items())


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
