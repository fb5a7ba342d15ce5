"""Say where a published artifact comes from, make it again and compare, and let MLflow's aliases say what Git says."""

from artifact.command_table import run

COMMANDS = {"lineage": "audit.lineage", "reproduce": "audit.reproduce", "aliases": "audit.mlflow_aliases"}

if __name__ == "__main__":
    run("audit", __doc__, COMMANDS)
