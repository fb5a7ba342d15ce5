"""`release page`: what the pages say of Git, of the training here and of a predictor, as files and as text."""

import json
import re
import shutil
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urldefrag

import pytest

from release.checkout import Checkout
from release.page import predictor_client, render, server, site_data, training_report
from release.page.render import Site
from release.page.training_report import TrainingReport
from tests.release.conftest import Repository
from tests.release.page.conftest import DRIFTED, FIRST, FOURTH, SECOND, SHADOW, THIRD, WHY

PRODUCTION = "models/iris/environments/production.html"
REPORT = """# ✓ iris: better

<details>
<summary>What the metrics say</summary>

| metric | value |
| --- | ---: |
| <code>accuracy</code> | 0.9 |

</details>

A class <script>alert(1)</script> stays text.

![calibration](figures/reliability.png)
"""


class _Links(HTMLParser):
    """`targets`: what a page leads to or loads; `names`: its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets, self.names = list[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        values = dict(attrs)
        self.targets += [values[name] or "" for name in ("href", "src") if name in values]
        self.names.add(values.get("id") or "")


def _site(repository: Repository, out: Path) -> Path:
    done = repository.release("page", "--out", str(out))
    assert done.code == 0, done.err
    return out


def train(folder: Path, digest: str) -> None:
    """Leave the report of a training of `digest` in `folder`, as the stages do."""
    for name, text in {
        "build/verdict.json": json.dumps(
            {"model": "iris", "model_digest": digest, "passed": True, "outcome": "better", "reason": "r", "rules": []}
        ),
        "reports/report.md": REPORT,
        "reports/plots/predictions.csv": "actual,predicted,rows\na,a,3\na,b,1\nb,a,0\nb,b,4\n",
        "reports/plots/importance.csv": "feature,importance,spread\nx,0.5,0.1\ny,-0.1,0.1\n",
        "reports/plots/reliability.csv": "model,predicted,observed,rows\nchallenger,0.5,0.25,4\n",
        "reports/figures/reliability.png": "picture",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_the_site_says_what_serves_and_every_link_of_it_leads_somewhere(pages: Repository, tmp_path: Path) -> None:
    """Shares, since when, commit, data, quarantine with its reason as text; each link is a page, with its anchor."""
    train(pages.folder, FOURTH.digest)
    out = _site(pages, tmp_path / "site")
    texts = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.html")}
    for expected in (SECOND.name, "75 %", "25 %", "2026-11-11 08:15 UTC", SECOND.source_commit[:12]):
        assert expected in texts["index.html"]
    assert "&lt;b&gt;labels&lt;/b&gt; of new customers wrong &amp; late" in texts["quarantine.html"]
    assert "taken back" in texts[f"models/iris/releases/{THIRD.name}.html"]
    assert "its report</a>" in texts[f"models/iris/releases/{FOURTH.name}.html"]
    assert "its report</a>" not in texts[f"models/iris/releases/{FIRST.name}.html"]
    anchors = {path: _Links(text).names for path, text in texts.items()}
    for path, text in texts.items():
        for target in _Links(text).targets:
            link, anchor = urldefrag(target)
            if target.startswith(("https://github.com/example/modelpin/commit/", "data:,")):
                continue
            there = (out / path).parent.joinpath(link).resolve() if link else out / path
            assert there.is_file(), (path, target)
            assert not anchor or anchor in anchors[there.relative_to(out.resolve()).as_posix()], (path, target)
        assert "<script" not in text


def test_the_timeline_is_the_history_of_the_branch(pages: Repository, tmp_path: Path) -> None:
    """Each commit of the record with the shares from then on, the newest first; a checkout alone has no history."""
    text = (_site(pages, tmp_path / "site") / PRODUCTION).read_text()
    timeline = text[text.index("<ol class") : text.index("Remembered")]
    subjects = re.findall(r"iris: production [^<]*? (?=<a)", timeline)
    assert [subject.strip().removeprefix("iris: production ") for subject in subjects] == [
        "canary at 25 %", "takes it back", "canary at 10 %", "promotes", "canary at 10 %", "begins",
    ]  # fmt: skip
    assert f"{SECOND.name} 90 %, {THIRD.name} 10 %" in timeline
    assert pages.release("page", "--tree", "--out", str(tmp_path / "tree")).code == 0
    assert "A checkout says no history" in (tmp_path / "tree" / PRODUCTION).read_text()


def test_what_git_keeps_of_the_inference_log_is_shown(pages: Repository, tmp_path: Path) -> None:
    """An alarm that was followed, and what a candidate answered to logged requests, with when and where from; each
    environment without them says how to get them."""
    out = _site(pages, tmp_path / "site")
    log = (out / "drift.html").read_text()
    log = log[log.index('id="log"') :]
    production, staging = (part for part in log.split('<div class="card">')[1:])
    assert f"<strong>drift</strong> 2026-11-12 05:17 UTC: {DRIFTED}" in production
    assert SHADOW in production
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC, iris: production canary at 25 % <a href=", production)
    assert "make shadow ENV=staging OUT=shadow.json" in staging
    assert "--log s3://modelpin/inference/iris-staging " in staging
    timeline = (out / PRODUCTION).read_text()
    assert f'<span class="quiet">why:</span> {WHY.replace("<", "&lt;").replace(">", "&gt;")}' in timeline
    assert f'<span class="quiet">shadow:</span> {SHADOW}' in timeline


def test_the_report_is_shown_as_the_stages_wrote_it(pages: Repository, tmp_path: Path) -> None:
    """Confusion matrix, importance and calibration from the CSV files, pictures beside; tags of its text stay text."""
    train(pages.folder, FOURTH.digest)
    out = _site(pages, tmp_path / "site")
    text = (out / "report.html").read_text()
    assert "<summary>What the metrics say</summary>" in text
    assert "<code>accuracy</code>" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert 'src="pictures/figures/reliability.png"' in text
    assert (out / "pictures/figures/reliability.png").read_text() == "picture"
    report = training_report.read(pages.folder)
    assert isinstance(report, TrainingReport)
    assert report.confusion is not None
    assert (report.confusion.labels, report.confusion.counts) == (["a", "b"], [[3, 1], [0, 4]])
    assert report.importance[0] == ("x", 0.5)
    assert report.reliability == [(0.5, 0.25)]
    (pages.folder / "build/verdict.json").write_text("{")
    done = pages.release("page", "--out", str(out))
    assert (done.code, "dvc repro report" in done.err) == (10, True)
    assert (out / "index.html").is_file()


def test_a_site_replaces_only_a_site(pages: Repository, tmp_path: Path) -> None:
    """A second run replaces the first one's files; a folder that holds anything else is left alone."""
    out = _site(pages, tmp_path / "site")
    (out / "old.html").write_text("old")
    _site(pages, out)
    assert not (out / "old.html").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    done = pages.release("page", "--out", str(mine))
    assert (done.code, "holds something" in done.err) == (2, True)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


def test_a_repository_without_releases_has_pages(plain: Repository, tmp_path: Path) -> None:
    """Before the first release the pages say what to do."""
    out = _site(plain, tmp_path / "site")
    assert "make deploy ENV=staging" in (out / "index.html").read_text()
    shutil.rmtree(plain.folder / "gitops/models")
    assert plain.release("page", "--tree", "--out", str(out)).code == 0
    assert "Git names no model yet" in (out / "index.html").read_text()


class _Predictor(BaseHTTPRequestHandler):
    """Answers as the predictor does, for what the form makes of it; the story asks a real one."""

    def do_GET(self) -> None:
        """Called by the server."""
        inputs = [{"name": "x <m>", "datatype": "FP64"}, {"name": "n", "datatype": "INT64"}]
        document = {"versions": [FOURTH.digest], "inputs": inputs, "outputs": [{"name": "prediction"}]}
        self._send({"models": ["iris"]} if self.path == "/v1/models" else document)

    def do_POST(self) -> None:
        """Called by the server."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._send({"predictions": [body["instances"][0]["x <m>"] * 2]})

    def _send(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def address(pages: Repository) -> Iterator[str]:
    """URL of the served pages, whose form asks such a predictor."""
    site = Site(site_data.read(Checkout(pages.folder), tree=True), None, (), "2026-11-26T08:00:00Z")
    with HTTPServer(("127.0.0.1", 0), _Predictor) as predictor:
        threading.Thread(target=predictor.serve_forever, args=(0.01,), daemon=True).start()
        running = server.start(0, lambda: site, f"http://127.0.0.1:{predictor.server_port}")
        with running:
            threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
            yield f"http://127.0.0.1:{running.server_port}"
            running.shutdown()
        predictor.shutdown()


def _get(url: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
    data = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with closing(urllib.request.urlopen(urllib.request.Request(url, data, headers))) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_form_sends_what_was_typed(address: str) -> None:
    """Fields are those of the model; the answer comes with the curl that asks the same; a typing error is said."""
    status, text = _get(f"{address}/{render.FORM}")
    assert (status, "x &lt;m&gt;" in text, FOURTH.name in text) == (200, True, True)
    _, text = _get(f"{address}/{render.FORM}", {"x <m>": "2.5", "n": ""})
    assert re.search(r'<h3 class="good">5.0</h3>', text)
    assert "&#34;n&#34;: null" in text
    _, text = _get(f"{address}/{render.FORM}", {"x <m>": "much", "n": "1"})
    assert "x &lt;m&gt;: &#39;much&#39; is not a number" in text
    assert 'value="much"' in text


def test_only_this_machine_asks(address: str) -> None:
    """Another site's form, or its name for this address, is refused; so is what is no page."""
    assert _get(f"{address}/index.html")[0] == 200
    assert _get(f"{address}/style.css")[0] == 200
    assert _get(f"{address}/{render.FORM}", {"n": "1"}, origin="https://example.com")[0] == 403
    assert _get(f"{address}/", host="example.com")[0] == 403
    assert _get(f"{address}/../../etc/passwd")[0] == 404
    assert _get(f"{address}/index.html", {"n": "1"})[0] == 404


def test_a_predictor_that_is_not_there_is_said() -> None:
    """No answer, and one that is no predictor's, end with the URL and what to do."""
    with pytest.raises(predictor_client.StorageError, match="start the predictor, or give its URL"):
        predictor_client.served("http://127.0.0.1:9")
