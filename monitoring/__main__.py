"""Drift, and labels that come back, of one release."""

from artifact.command_table import run

COMMANDS = {
    "drift": "monitoring.drift",
    "log-drift": "monitoring.log_drift",
    "labels": "monitoring.labels",
    "rules": "monitoring.rules.write",
    "board": "monitoring.board",
    "shadow": "monitoring.shadow",
}

if __name__ == "__main__":
    run("monitoring", __doc__, COMMANDS)
