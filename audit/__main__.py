"""Where a published artifact comes from, whether it comes from there again, and whether MLflow says what Git says."""

from artifact.command_table import run

COMMANDS = {"lineage": "audit.lineage", "reproduce": "audit.reproduce", "aliases": "audit.mlflow_aliases"}

if __name__ == "__main__":
    run("audit", __doc__, COMMANDS)
