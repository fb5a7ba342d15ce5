"""The panels as a dashboard of Grafana, by its own foundation SDK."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

from monitoring.rules.panels import ROWS, Panel
from monitoring.rules.rule import OURS

_SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
_HEIGHT, _WIDTH = 8, 6  # of a grid that is 24 wide


def dashboard() -> str:
    """JSON that Grafana imports, or that its sidecar reads from a ConfigMap."""
    built = (
        Dashboard("modelpin: one environment of a model")
        .uid("modelpin")
        .tags(["modelpin"])
        .editable()
        .refresh("1m")
        .time("now-24h", "now")
        .with_variable(DatasourceVariable("datasource").type("prometheus").label("Prometheus"))
        .with_variable(
            QueryVariable("namespace")
            .label("Namespace")
            .datasource(_SOURCE)
            .query(f"label_values(modelpin_ready{{{OURS}}}, namespace)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        )
    )
    for title, row in ROWS:
        built = built.with_row(Row(title))
        for panel in row:
            built = built.with_panel(_drawn(panel, len(row)))
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def _drawn(panel: Panel, beside: int) -> Timeseries:
    drawn = (
        Timeseries()
        .title(panel.title)
        .description(panel.about)
        .unit(panel.unit)
        .datasource(_SOURCE)
        .height(_HEIGHT)
        .span(_WIDTH if beside == 4 else 8)
    )
    for place, (query, legend) in enumerate(panel.queries):
        drawn = drawn.with_target(Dataquery().expr(query).legend_format(legend).ref_id(chr(ord("A") + place)))
    return drawn
