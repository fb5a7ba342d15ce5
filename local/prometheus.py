"""Debian's Prometheus as a process: it scrapes what a file names, or holds series that were recorded before."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from artifact.errors import ConfigurationError, ModelpinError, StorageError
from local import ports
from local.process import Process

START_SECONDS = 120.0
_MISSING = "{} is not installed: apt-get install prometheus, which brings both"


def program(name: str) -> str:
    """Path of `prometheus` or `promtool`; ConfigurationError (10) where it is not installed."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/bin")
    if path is None:
        raise ConfigurationError(_MISSING.format(name))
    return path


class Prometheus:
    """Serves its API on a port of its own, from the series in `folder`. `target` adds what it scrapes."""

    def __init__(
        self, folder: Path, *, interval: str = "1s", recorded: str | None = None, rules: Path | None = None
    ) -> None:
        """`recorded`: OpenMetrics text with times; `rules`: a file of rules, evaluated at each interval.

        Returns when it is ready; StorageError, with its log, if not.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._targets = folder / "targets.json"
        self._labels: dict[str, Mapping[str, str]] = {}
        self._write()
        if recorded is not None:
            _load(folder, recorded)
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n"
            f"rule_files: [{rules or ''}]\n"
            "scrape_configs:\n"
            "  - job_name: modelpin\n"
            "    honor_labels: true\n"
            f"    file_sd_configs: [{{files: [{self._targets}], refresh_interval: 1s}}]\n"
        )
        (port,) = ports.free(1)
        self.url = f"http://{ports.LOOPBACK}:{port}"
        self._log = folder / "prometheus.log"
        self._process = Process(
            "Prometheus",
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address={ports.LOOPBACK}:{port}",
                "--log.level=warn",
            ],
            env=os.environ,
            log=self._log,
        )
        try:
            self._process.wait_until(self._ready, seconds=START_SECONDS)
        except BaseException:
            self._process.stop()
            raise

    def target(self, address: str, labels: Mapping[str, str] | None) -> None:
        """Scrape http://`address`/metrics from now on, its series with `labels`; not any more with None."""
        if labels is None:
            self._labels.pop(address, None)
        else:
            self._labels[address] = labels
        self._write()

    def _write(self) -> None:
        listed = [{"targets": [address], "labels": dict(labels)} for address, labels in self._labels.items()]
        new = self._targets.with_suffix(".new")
        new.write_text(json.dumps(listed))
        new.replace(self._targets)  # at once, so that no half of it is read

    def check(self) -> None:
        """StorageError (30), with its log, where it has ended."""
        if (code := self._process.poll()) is not None:
            raise StorageError(f"Prometheus ended with exit code {code}: see {self._log}, then run this again")

    def stop(self) -> None:
        """Returns when it is gone."""
        self._process.stop()

    def _ready(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _load(folder: Path, recorded: str) -> None:
    text = folder / "recorded.om"
    text.write_text(recorded)
    command: Sequence[str | Path] = [
        program("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, folder / "data",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ModelpinError(f"promtool did not take the recorded series: {done.stderr.strip()[-300:]}")
