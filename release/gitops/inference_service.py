"""release.yaml: the InferenceService patch that follows from the record, and from nothing else."""

from __future__ import annotations

from release import quoted_yaml
from release.gitops.record import Record

FILE = "release.yaml"
_HEAD = """\
# Written whole by `python -m release` from record.yaml beside it. Do not edit: deploy or roll back instead.
"""


def render(record: Record) -> str:
    """The whole text of release.yaml: name, image, storageUri, and MODEL_URI so that the predictor can check the bytes.

    A canary is named with its percentage; after it was taken back the stable release is, with 0 percent until it is
    settled. Before the first deploy the InferenceService is removed, so that the folder renders without one.
    """
    patch: dict[str, object] = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": record.model},
    }
    served = record.candidate or record.stable
    if served is None:
        patch["$patch"] = "delete"
    else:
        share = {} if record.percent is None else {"canaryTrafficPercent": record.percent}
        patch["spec"] = {
            "predictor": {
                **share,
                "model": {
                    "image": served.image,
                    "storageUri": served.uri,
                    "env": [{"name": "MODEL_URI", "value": served.uri}],
                },
            }
        }
    return _HEAD + quoted_yaml.render(patch)
