"""Where a published artifact comes from, and whether it comes from there again: `lineage`, `reproduce`.

And `mlflow_aliases`, which repairs MLflow's aliases from what Git says.
"""

from artifact.command_table import refuse_module

refuse_module("audit")
