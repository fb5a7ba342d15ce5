"""The gate's reports of what has traffic, from the bucket to the site."""

import dataclasses
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import IntegrityError
from local import ports
from release.commit_message import short
from release.gitops import record
from release.gitops.record import Record
from release.page import report_archive
from tests.conftest import Bucket
from tests.release.conftest import Repository, commit
from tests.release.page.conftest import FIRST, SECOND
from tests.release.page.test_page import train


def test_the_site_holds_the_report_that_was_published_with_what_serves(
    repository: Repository,
    publish: Callable[[int], str],
    make_artifact: Callable[[int], Path],
    s3: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Confusion matrix, importance and pictures of the stable release, in a clone that trained nothing; of a canary
    that was published without a report, and where the bucket does not answer, the page says why there is none."""
    first, second = (digest.of_file(make_artifact(number) / "manifest.json") for number in (1, 2))
    train(repository.folder, first)
    uris = {first: publish(1), second: publish(2)}  # the report is about the first alone
    archives = [key for key in s3.keys("") if key.endswith(report_archive.FILE)]
    assert archives == [f"{ArtifactUri.parse(uris[first]).about}report.zip"]
    for name in ("build", "reports"):
        shutil.rmtree(repository.folder / name)
    stable, canary = (
        dataclasses.replace(release, digest=model, uri=uris[model])
        for release, model in ((FIRST, first), (SECOND, second))
    )
    state = Record("iris", "production", stable.name, canary.name, 10, releases=(canary, stable))
    commit(repository.folder, "gitops/models/iris/production/record.yaml", record.render(state))

    out = tmp_path / "site"
    assert repository.release("page", "--out", str(out)).code == 0
    page = (out / f"reports/{short(first)}.html").read_text()
    assert '<table class="confusion">' in page
    assert '<span>x</span><span><b style="width:100.0%"></b></span><span>0.500</span>' in page
    assert f'src="{short(first)}/figures/reliability.png"' in page
    assert (out / f"reports/{short(first)}/figures/reliability.png").read_text() == "picture"
    assert (
        f'href="../../../reports/{short(first)}.html"' in (out / f"models/iris/releases/{stable.name}.html").read_text()
    )
    assert "it was published without a report" in (out / f"models/iris/releases/{canary.name}.html").read_text()
    assert f'href="reports/{short(first)}.html"' in (out / "report.html").read_text()

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{ports.free(1)[0]}")
    assert repository.release("page", "--out", str(out)).code == 0
    assert "the bucket was not read, log in to it" in (out / "report.html").read_text()


def test_a_report_of_another_artifact_is_none(tmp_path: Path) -> None:
    """Neither packed nor read; nor is what unpacks to more than a report may have, or is no archive."""
    train(tmp_path, FIRST.digest)
    packed = report_archive.pack(tmp_path, FIRST.digest)
    assert packed == report_archive.pack(tmp_path, FIRST.digest)
    assert packed is not None
    assert report_archive.unpack(packed, FIRST.digest, "p", "").verdict["outcome"] == "better"
    assert report_archive.pack(tmp_path, SECOND.digest) is None
    assert report_archive.pack(tmp_path / "nothing", FIRST.digest) is None
    large = io.BytesIO()
    with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("build/verdict.json", bytes(report_archive.MOST_BYTES + 1))
    for data, error in ((packed, "it is about"), (large.getvalue(), "unpacks to more"), (b"<script>", "not a zip")):
        with pytest.raises(IntegrityError, match=error):
            report_archive.unpack(data, SECOND.digest, "p", "")
