"""Keys that docs/to-your-cluster gives to charts, to Knative and to Argo CD, against tables of what those know.

Their schemas are in no package that the tests install: each table names the file of its project it was read from.
"""

import itertools
import json
import re

import yaml

from tests.docs.test_flags import CALLS
from tests.docs.test_to_your_cluster import BLOCKS, SHELL, TEXT

# ConfigMap of Knative → keys. knative/serving, pkg/deployment/config.go; knative/networking, pkg/config.go.
KNATIVE = {
    "deployment": {"pod-is-always-schedulable", "progress-deadline"},
    "network": {"domain-template", "ingress-class"},
}
# argoproj/argo-cd, docs/operator-manual/argocd-cmd-params-cm.yaml
ARGOCD_PARAMETERS = {"controller.operation.processors", "controller.status.processors"}
# kserve/kserve, charts/kserve-resources/README.md;
# cert-manager/cert-manager, deploy/charts/cert-manager/README.template.md
CHARTS = {
    "crds.enabled",
    "kserve.controller.deploymentMode",
    "kserve.controller.gateway.disableIstioVirtualHost",
    "kserve.controller.gateway.domain",
    "kserve.storage.caBundleConfigMapName",
    "kserve.storage.containerSecurityContext.seccompProfile.type",
}


def patches(*words: str) -> list[dict[str, dict[str, dict[str, dict[str, str]]]]]:
    """The JSON of each `kubectl … patch` that has `words`."""
    calls = [call for call in CALLS["kubectl"] if "patch" in call and set(words) <= set(call)]
    return [json.loads(call[call.index("-p") + 1]) for call in calls]


def test_knatives_settings_stand_where_knative_reads_them() -> None:
    """Each key is in the ConfigMap whose code parses it; the domain is the user's own."""
    (text,) = re.findall(r"<<EOF\n(.*?)\nEOF", SHELL, re.S)
    (serving,) = [document for document in yaml.safe_load_all(text) if document["kind"] == "KnativeServing"]
    content = [serving["spec"]["config"], *(patch["spec"]["config"] for patch in patches("knativeserving"))]
    keys = {(config, key) for config_map in content for config, entries in config_map.items() for key in entries}
    assert {("deployment", "pod-is-always-schedulable"), ("deployment", "progress-deadline")} <= keys
    assert {config for config, _ in keys} == {*KNATIVE, "domain"}
    assert not {(config, key) for config, key in keys if key not in KNATIVE.get(config, {"$DOMAIN"})}


def test_a_node_may_boot_for_a_quarter_of_an_hour() -> None:
    """Knative refuses a deadline of less than a whole second; more than its 600 s is what a booting node needs."""
    configs = [patch["spec"]["config"] for patch in patches("knativeserving")]
    (deployment,) = [config["deployment"] for config in configs if "deployment" in config]
    assert deployment == {"pod-is-always-schedulable": "true", "progress-deadline": "900s"}
    assert "some 15 minutes" in TEXT


def test_argo_cds_parameters_are_its_own() -> None:
    """As many workers as its documentation asks for, for a thousand Applications, in strings."""
    (patch,) = patches("configmap", "argocd-cmd-params-cm")
    assert patch["data"] == {"controller.status.processors": "50", "controller.operation.processors": "25"}
    assert set(patch["data"]) <= ARGOCD_PARAMETERS
    (block,) = [block for block in BLOCKS if "argocd-cmd-params-cm" in block]
    assert "rollout restart statefulset/argocd-application-controller" in block


def test_the_webhook_is_the_one_that_argo_cd_listens_to() -> None:
    """argoproj/argo-cd, docs/operator-manual/webhook.md: path, content type, key and Secret."""
    for text in ("`https://<argocd>/api/webhook`", "`application/json`", "`webhook.github.secret`", "`argocd-secret`"):
        assert text in TEXT.replace("\n", " ")


def test_charts_know_the_values() -> None:
    """What `--set` and the text name."""
    pairs = [pair for call in CALLS["helm"] for pair in itertools.pairwise(call)]
    inputs = {value.partition("=")[0] for option, value in pairs if option == "--set"}
    assert inputs | set(re.findall(r"\bkserve(?:\.[a-zA-Z]+){2,}", TEXT)) <= CHARTS
    assert "crds.enabled" in inputs
