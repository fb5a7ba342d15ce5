"""The rules of gitops/monitoring, evaluated by promtool: each alert quiet just below its limit, and firing above it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifact.errors import ConfigurationError
from local import prometheus
from monitoring.rules import objectives, write
from monitoring.rules.alerts import alerts
from monitoring.rules.burn_rates import alerts as burn_rates

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "gitops/monitoring"
CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
LONG = 300  # minutes, of which promtool evaluates every rule at each fifth
ALERTS = (*burn_rates(), *alerts())
POD = 'namespace="iris-production",pod="iris-aaaaaaaa-predictor-00001-deployment-x"'
OURS = f'{POD},release="iris-aaaaaaaa"'
CANARY = OURS.replace("aaaaaaaa", "bbbbbbbb")
QUEUE = "http_server_request_duration_seconds_count"
CONTAINER = f'{POD},container="kserve-container"'
# A request a second, with fewer errors and slow answers than the objectives allow. By minute.
HEALTHY = {
    f'{QUEUE}{{{OURS},http_response_status_code="200"}}': "0+60",
    f'{QUEUE}{{{OURS},http_response_status_code="503"}}': "0+0.1",
    f'modelpin_requests_total{{{OURS},code="200",digest="sha256-a"}}': "0+60",
    f'modelpin_requests_total{{{OURS},code="500",digest="sha256-a"}}': "0+0.1",
    f"modelpin_request_seconds_count{{{OURS}}}": "0+60",
    f'modelpin_request_seconds_bucket{{{OURS},le="0.1"}}': "0+59.8",
    f'modelpin_rejects_total{{{OURS},reason="invalid"}}': "0+6",
    f'modelpin_rejects_total{{{OURS},reason="queue"}}': "0+0.3",
    f"modelpin_inference_dropped_total{{{OURS}}}": "0+0",
    f"modelpin_ready{{{OURS}}}": "1+0",
    f"up{{{OURS}}}": "1+0",
    f'modelpin_start_seconds{{{OURS},phase="load"}}': "20+0",
    f'modelpin_start_seconds{{{OURS},phase="first_answer"}}': "4000+0",
    f"kube_pod_container_info{{{CONTAINER}}}": "1+0",
    f"container_memory_working_set_bytes{{{CONTAINER}}}": "800+0",
    f'kube_pod_container_resource_limits{{{CONTAINER},resource="memory"}}': "1000+0",
    f'modelpin_reference_input_bin{{{OURS},feature="petal",bin="a"}}': "500+0",
    f'modelpin_reference_input_bin{{{OURS},feature="petal",bin="b"}}': "500+0",
    f'modelpin_input_bin_total{{{OURS},feature="petal",bin="a"}}': "0+30",
    f'modelpin_input_bin_total{{{OURS},feature="petal",bin="b"}}': "0+30",
}


def for_promtool(case: dict[str, Any]) -> dict[str, Any]:
    """The case as promtool reads it."""
    series = dict(HEALTHY)
    for pattern, values in case.get("changed", {}).items():
        named = [name for name in series if re.search(pattern, name)]
        assert named, pattern
        series |= dict.fromkeys(named, values)
    series |= {
        name.replace("OURS", OURS).replace("CANARY", CANARY): values for name, values in case.get("added", {}).items()
    }
    minutes = case["minutes"]
    expected = [alert.rpartition(" ")[::2] if " " in alert else (alert, "") for alert in case.get("firing", [])]
    expected = [(name or window, window if name else "") for name, window in expected]
    samples = [
        {"labels": f'{{alertname="{name}"{f", window={window!r}" if window else ""}}}'.replace("'", '"'), "value": 1}
        for name, window in expected
    ]
    grown = {name: values if re.search(r"[x ]", values) else f"{values}x{minutes}" for name, values in series.items()}
    return {
        "interval": "1m",
        "name": f"{case.get('near', case.get('firing'))}: {case.get('about', '')}",
        "input_series": [{"series": name, "values": values} for name, values in grown.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname, window) (ALERTS{alertstate="firing"}) > bool 0',
                "eval_time": f"{minutes}m",
                "exp_samples": samples,
            }
        ],
    }


def promtool(*arguments: str, folder: Path) -> str:
    """What promtool said; the test is skipped where it is not installed."""
    try:
        program = prometheus.program("promtool")
    except ConfigurationError as error:
        pytest.skip(str(error))
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with the rules as Prometheus reads them."""
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text())["spec"]["groups"]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    return tmp_path


@pytest.mark.parametrize("long", [False, pytest.param(True, marks=pytest.mark.story)])
def test_each_alert_is_quiet_below_its_limit_and_fires_above_it(rules: Path, long: bool) -> None:
    """Every case of cases.yaml: exactly the alerts that it names fire at its end, and none else."""
    cases = [for_promtool(case) for case in CASES if (case["minutes"] >= LONG) == long]
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": cases}
    (rules / "cases.yml").write_text(yaml.safe_dump(document, width=4096))
    promtool("check", "rules", "rules.yml", folder=rules)
    promtool("test", "rules", "cases.yml", folder=rules)


def test_every_alert_has_a_quiet_case_a_firing_case_and_a_runbook() -> None:
    """No alert is without them, and no case or page is of an alert that there is not."""
    fires = {name for case in CASES for name in case.get("firing", [])}
    assert fires == {f"{alert.name} {alert.labels['window']}" if alert.labels else alert.name for alert in ALERTS}
    assert {case["near"] for case in CASES if not case.get("firing")} == {alert.name for alert in ALERTS}
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/runbooks").glob("*.md")}
    assert pages == {alert.runbook for alert in ALERTS}
    for page in pages:
        text = (ROOT / page).read_text()
        assert text.startswith(f"# {Path(page).stem}\n")
        assert {"## What it means", "## What to do"} <= set(re.findall("^## .*$", text, re.M)), page


def test_the_files_are_what_the_objectives_say() -> None:
    """rules.yaml and dashboard.json are what `make rules` writes, and a changed objective changes the rules."""
    write.main(["--folder", str(FOLDER), "--check"])


def test_a_namespace_has_objectives_of_its_own(tmp_path: Path) -> None:
    """Its availability, its bucket edge; the others keep theirs; and --check says that the files are old."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "objectives.yaml"
    own = "namespaces:\n  iris-production: {availability: 0.999, seconds: 0.02}\n"
    file.write_text(file.read_text().replace("namespaces: {}\n", own))
    with pytest.raises(ConfigurationError, match="make rules"):
        write.main(["--folder", str(tmp_path), "--check"])
    write.main(["--folder", str(tmp_path)])
    names = {
        (rule["record"], rule["expr"])
        for group in write.groups(objectives.read(file))
        for rule in group["rules"]
        if "record" in rule
    }
    assert ("modelpin:objective:availability", "vector(0.999)") in names
    slow = [text for name, text in names if name == "modelpin:slow:rate5m"]
    assert sorted('le="0.02"' in text and 'namespace="iris-production"' in text for text in slow) == [False, True]
    assert sorted('le="0.1"' in text and 'namespace!~"iris-production"' in text for text in slow) == [False, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seconds: 0.1 ", "seconds: 0.12 ", "bucket edges"),
        ("availability: 0.995", "availability: 99.5", "between 0 and 1"),
        ("namespaces: {}", "namespaces: {iris: {speed: 1}}", "iris.speed"),
        ("namespaces: {}", "namespace: {}", "exactly the keys"),
        ("code: http_response_status_code", "code: 'a\"}'", "code is"),
        ("namespaces: {}", "namespaces: {'a\"b': {}}", "not the name of a namespace"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Exit code 10, with the value and what could stand there."""
    file = tmp_path / "objectives.yaml"
    text = (FOLDER / "objectives.yaml").read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(ConfigurationError, match=message):
        objectives.read(file)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"severity": "page", "namespace": "iris-production"}, "pager"),
        ({"severity": "page", "namespace": "iris-staging"}, "tickets"),
        ({"severity": "ticket", "namespace": "iris-production"}, "tickets"),
        ({"severity": "ticket", "namespace": "iris-production", "alertname": "ModelpinInputsDrift"}, "retrain,tickets"),
    ],
)
def test_an_alert_reaches_whom_it_concerns(labels: dict[str, str], receivers: str) -> None:
    """Alertmanager's own tool takes the configuration and routes by severity, environment and kind."""
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    file = str(FOLDER / "alertmanager.yaml")
    named = [f"{name}={value}" for name, value in labels.items()]
    command = [program, "config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receivers}", *named]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
