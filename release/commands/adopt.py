"""Create a model's folder under gitops/models in the working tree.

It holds people's files from a template, and machine-owned files in the empty state.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artifact import text_file
from release import command_line, settings
from release.aws import files as aws
from release.checkout import Checkout
from release.gitops import environment, quarantine, record, release_file
from release.gitops.folder import Folder, quarantine_file
from release.gitops.record import Record

ENVIRONMENTS = ("staging", "production")

FILES_OF_KUSTOMIZATION = """\
resources:
  - record.yaml
  - release.yaml
# A component, so that its patches reach every release; patches of your own come after it and reach them too.
components:
  - ../../../base
# The role of this namespace alone: serving-role-arn of gitops/settings/settings.yaml with `-<namespace>` after it.
replacements:
  - source: {kind: ServiceAccount, name: predictor, fieldPath: metadata.namespace}
    targets:
      - select: {kind: ServiceAccount, name: predictor}
        fieldPaths: ["metadata.annotations.[eks.amazonaws.com/role-arn]"]
        options: {delimiter: "-", index: 99}  # behind the last part, whatever the name
"""
_HEAD = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
"""
_ENVIRONMENT = """\
# What people decide for this environment; `python -m release` reads it.
# KServe's deployment mode; no other is built yet.
shape: Knative
# Releases that the record remembers and that a rollback can go back to.
keep: 10
# How many of them keep an InferenceService, at no replica, when `release retire` removes the older ones.
ready: 2
# Percent of the traffic that a canary begins with, when the command gives none.
canary: 10
# Whether only what a trusted signer signed is deployed here: required, or none (docs/signed-models.md).
signatures: none
# By what canaries are decided, when `release step` runs; without it they wait for a person (docs/canaries.md).
# analysis: {prometheus: "http://prometheus-operated.monitoring:9090"}
"""
_OWN = {
    # No host of a cluster can be asked before there is one, with a domain that resolves where the workflows run.
    "staging": "# A release gets traffic without having answered at its own host. Remove this line once the workflows\n"
    "# reach the hosts of this environment; docs/releases.md says what it risks until then.\nproof: none\n",
    # Nothing is deployed to production that staging does not serve, and is not seen to answer there.
    "production": "# Only what this environment serves, healthy, is deployed here.\ntakes: staging\n",
}


def files(model: str) -> dict[str, str]:
    """Path from the root of the repository → text, of a model that was never released."""
    texts = {quarantine_file(model): quarantine.render(())}
    for folder in (Folder(model, name) for name in ENVIRONMENTS):
        state = Record(model, folder.environment)
        texts |= {
            f"{folder.path}/kustomization.yaml": _HEAD.format(namespace=folder.namespace) + FILES_OF_KUSTOMIZATION,
            f"{folder.path}/{environment.FILE}": _ENVIRONMENT + _OWN[folder.environment],
            f"{folder.path}/{record.FILE}": record.render(state),
            f"{folder.path}/{release_file.FILE}": release_file.render(state),
        }
    return texts


def adopt(root: Path, model: str) -> list[str]:
    """Write what is missing of `model` in the working tree at `root`; the paths written. What exists stays as it is.

    The policies of its roles are written too, where settings.yaml says for which account.
    """
    paths = []
    for path, text in files(model).items():
        if not (root / path).exists():
            text_file.write(root / path, text)
            paths.append(path)
    if (root / settings.PATH).exists():
        paths += aws.bring_up_to_date(root, settings.read(root))
    return paths


def main(argv: Sequence[str] | None = None) -> None:
    """As `adopt`, a line for each path written."""
    line = command_line.parser("adopt", __doc__)
    line.add_argument("--model", required=True, help="its name")
    arguments = command_line.parse(line, argv)
    for path in adopt(Checkout.current().root, arguments.model):
        print(path)
