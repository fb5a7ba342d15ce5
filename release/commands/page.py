"""Show what serves, since when and from which commit and data, as pages: a static site, or served on this machine."""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from artifact.errors import ConfigurationError, UsageError
from monitoring.drift import WEEK
from monitoring.drift_detector import LEAST_ROWS
from release import clock, command_line
from release.checkout import Checkout
from release.page import drift_pages, render, server, site_data, training_report
from release.page.drift_pages import DriftQuery
from release.page.published_reports import PublishedReports
from release.page.render import Site

_PORT = 8640
_FRESH_SECONDS = 5.0  # that a served page may be old: a browser asks for style and pictures too
_MARK = "style.css"  # what a folder that this command wrote holds


def main(argv: Sequence[str] | None = None) -> None:
    """Write the site to `--out`, or serve it until interrupted."""
    line = command_line.parser("page", __doc__)
    line.add_argument("--out", type=Path, metavar="DIR", help="write a static site there; without it, serve")
    line.add_argument("--port", type=int, default=_PORT, help="of the served pages, on 127.0.0.1 (%(default)s)")
    line.add_argument("--model", help="only this model")
    line.add_argument("--tree", action="store_true", help="of gitops/ here, without a network: no history")
    line.add_argument("--prometheus", metavar="URL", help="ask it for the drift of what serves")
    line.add_argument(
        "--window", type=float, default=WEEK, metavar="SECONDS", help="of drift, whole weeks (%(default)s)"
    )
    line.add_argument("--least", type=int, default=LEAST_ROWS, metavar="ROWS", help="of a window (%(default)s)")
    line.add_argument("--predictor", metavar="URL", help="of a running predictor, that the form sends predictions to")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    if arguments.window <= 0 or arguments.least < 1:
        raise UsageError("--window and --least are above 0")
    if arguments.out is not None:
        _write(_read(checkout, arguments, PublishedReports(checkout.settings)), arguments.out)
        print(f"{arguments.out}/index.html")
    else:
        _serve(checkout, arguments)


def _read(checkout: Checkout, arguments: argparse.Namespace, reports: PublishedReports) -> Site:
    data = site_data.read(checkout, tree=arguments.tree, model=arguments.model)
    report = training_report.read(checkout.root)
    card = None if report is None else training_report.card(checkout.root, report)
    query = DriftQuery(arguments.prometheus, arguments.window, arguments.least) if arguments.prometheus else None
    published = {} if arguments.tree else reports.of(data)
    return Site(data, report, drift_pages.read(data, query), clock.now(), card, published)


def _write(site: Site, out: Path) -> None:
    """All pages, in place of those of an earlier run; the folder is whole at any moment."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / _MARK).is_file())):
        raise UsageError(f"--out {out} holds something that is no site of this command: name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        new = Path(folder) / "new"
        for path, text in render.pages(site):
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text(), encoding="utf-8")
        for path, picture in site.pictures.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(picture)
        if out.exists():
            out.rename(Path(folder) / "old")
        new.rename(out)


def _serve(checkout: Checkout, arguments: argparse.Namespace) -> None:
    reports = PublishedReports(checkout.settings)
    lock, latest = threading.Lock(), [(float("-inf"), _read(checkout, arguments, reports))]

    def current_site() -> Site:
        with lock:
            if time.monotonic() - latest[0][0] > _FRESH_SECONDS:
                latest[0] = (time.monotonic(), _read(checkout, arguments, reports))
            return latest[0][1]

    try:
        running = server.start(arguments.port, current_site, arguments.predictor)
    except OSError as error:
        raise ConfigurationError(f"port {arguments.port} is taken ({error}): give another one by --port") from error
    with running:
        print(f"http://{server.HOST}:{running.server_port}/ until Ctrl-C", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()
