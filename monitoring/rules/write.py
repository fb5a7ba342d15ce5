"""Write the rules, alerts and the dashboard from objectives.yaml."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from artifact.errors import ConfigurationError
from monitoring.rules import alerts, burn_rates
from monitoring.rules.dashboard import dashboard
from monitoring.rules.objectives import Objectives, read
from monitoring.rules.rule import Alert, Recording

FOLDER = Path("gitops/monitoring")
_HEAD = (
    "# Written whole by `make rules` from objectives.yaml beside it. Do not edit: change that.\n"
    "# yamllint disable rule:line-length\n"
)


class _Indented(yaml.SafeDumper):
    """Lists within mappings are indented, as in the other files of gitops/."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Whatever is asked."""
        super().increase_indent(flow, False)


def groups(objectives: Objectives) -> list[dict[str, Any]]:
    """Groups of rules as Prometheus reads them."""
    rules: dict[str, Sequence[Recording | Alert]] = {
        "modelpin-shares": list(burn_rates.recordings(objectives)),
        "modelpin-releases": list(alerts.recordings()),
        "modelpin-burn-rates": list(burn_rates.alerts()),
        "modelpin-alerts": list(alerts.alerts()),
    }
    return [{"name": name, "rules": [rule.as_dict() for rule in part]} for name, part in rules.items()]


def rendered(folder: Path) -> dict[str, str]:
    """File name → content, of the objectives in `folder`."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "modelpin", "labels": {"app.kubernetes.io/part-of": "modelpin"}},
        "spec": {"groups": groups(read(folder / "objectives.yaml"))},
    }
    text = yaml.dump(resource, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=110)
    return {"rules.yaml": _HEAD + text, "dashboard.json": dashboard()}


def main(argv: Sequence[str] | None = None) -> None:
    """Write the files, or with --check only compare them."""
    line = argparse.ArgumentParser(prog="python -m monitoring rules", description=__doc__)
    line.add_argument("--folder", type=Path, default=FOLDER, help="with objectives.yaml (%(default)s)")
    line.add_argument("--check", action="store_true", help="write nothing; exit with 10 where a file differs")
    options = line.parse_args(argv)
    for name, text in rendered(options.folder).items():
        file = options.folder / name
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        if options.check:
            raise ConfigurationError(f"{file} is not what objectives.yaml says; run `make rules`")
        new = file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(file)
        print(f"{file} written")
