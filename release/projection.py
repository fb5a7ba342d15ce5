"""release.yaml: the InferenceService patch that follows from the record, and from nothing else."""

from __future__ import annotations

from release import document
from release.record import Record

FILE = "release.yaml"
_HEAD = """\
# Written whole by `python -m release` from record.yaml beside it. Do not edit: deploy or roll back instead.
"""


def render(record: Record) -> str:
    """The whole text of release.yaml: name, image, storageUri, and MODEL_URI so that the predictor can check the bytes.

    Before the first deploy it removes the InferenceService, so that the folder renders without one.
    """
    patch: dict[str, object] = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": record.model},
    }
    if record.stable is None:
        patch["$patch"] = "delete"
    else:
        patch["spec"] = {
            "predictor": {
                "model": {
                    "image": record.stable.image,
                    "storageUri": record.stable.uri,
                    "env": [{"name": "MODEL_URI", "value": record.stable.uri}],
                }
            }
        }
    return _HEAD + document.render(patch)
