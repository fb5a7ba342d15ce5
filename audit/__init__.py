"""`lineage` says where a published artifact comes from; `reproduce` makes it again and compares.

`mlflow_aliases` repairs MLflow's aliases from what Git says.
"""

from artifact.command_table import refuse_module

refuse_module("audit")
