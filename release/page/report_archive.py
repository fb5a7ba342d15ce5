"""report.zip: all that the gate's report of one artifact is made from, as one object beside the artifact in the bucket.

It holds data and no page: what reads it renders it, so that nobody who may publish writes HTML into a site.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from artifact.errors import IntegrityError
from release.page import training_report
from release.page.training_report import TrainingReport

FILE = "report.zip"
MOST_BYTES = 32 << 20  # of its files together


def pack(root: Path, digest: str) -> bytes | None:
    """Of the training under `root`; None unless it left a report, on the artifact `digest`, of at most MOST_BYTES."""
    files = training_report.files(root)
    if not files or _digest(files) != digest or sum(map(len, files.values())) > MOST_BYTES:
        return None
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)  # of 1980, whenever it is packed
    return packed.getvalue()


def unpack(data: bytes, digest: str, pictures: str, folder: str) -> TrainingReport:
    """The report on the artifact `digest`; IntegrityError (20) for another one, or what `pack` did not make.

    `pictures`, `folder`: as of `training_report.of`.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            listed = archive.infolist()
            if sum(entry.file_size for entry in listed) > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
            files = {entry.filename: archive.read(entry) for entry in listed}
        if _digest(files) != digest:
            raise ValueError(f"it is about {_digest(files)}")
        return training_report.of(files, pictures, folder)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise IntegrityError(
            f"{FILE} of {digest} is no report of it ({error!s:.200}): find out who wrote it"
        ) from error


def _digest(files: Mapping[str, bytes]) -> str:
    """Of the artifact that the report is about."""
    return str(json.loads(files["build/verdict.json"])["model_digest"])
