"""Give a model its folder under gitops/: people's files from a template, machine-owned files in the empty state."""

from __future__ import annotations

from pathlib import Path
from string import Template

from release.commands.configure import write
from release.gitops import environment, inference_service, quarantine, record
from release.gitops.folder import MODELS, Place
from release.gitops.record import Record

ENVIRONMENTS = ("staging", "production")

_KUSTOMIZATION = Template("""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $namespace
resources:
  - ../../../base
  - record.yaml
patches:
  - path: release.yaml
    target: {kind: InferenceService}
    options: {allowNameChange: true}
""")
_ENVIRONMENT = """\
# What people decide for this environment; `python -m release` reads it.
# KServe's deployment mode; no other is built yet.
shape: Knative
# Releases that the record remembers and that a rollback can go back to.
keep: 10
# Percent of the traffic that a canary begins with, when the command gives none.
canary: 10
"""
# Nothing is deployed to production that staging does not serve, and is not seen to answer there.
_TAKES = {"production": "# Only what this environment serves, healthy, is deployed here.\ntakes: staging\n"}


def files(model: str) -> dict[str, str]:
    """Path from the root of the repository → text, of a model that was never released."""
    found = {f"{MODELS}/{model}/{quarantine.FILE}": quarantine.render(())}
    for place in (Place(model, name) for name in ENVIRONMENTS):
        state = Record(model, place.environment)
        found |= {
            f"{place.folder}/kustomization.yaml": _KUSTOMIZATION.substitute(namespace=place.namespace),
            f"{place.folder}/{environment.FILE}": _ENVIRONMENT + _TAKES.get(place.environment, ""),
            f"{place.folder}/{record.FILE}": record.render(state),
            f"{place.folder}/{inference_service.FILE}": inference_service.render(state),
        }
    return found


def adopt(root: Path, model: str) -> list[str]:
    """Write what is missing of `model` in the working tree at `root`; the paths written. What exists stays as it is."""
    written = []
    for path, text in files(model).items():
        if not (root / path).exists():
            write(root / path, text)
            written.append(path)
    return written
