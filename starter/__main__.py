"""Start a model from a table, and bring the data of one here."""

from artifact.command_table import run
from pipeline.shared import determinism

COMMANDS = {"init": "starter.init", "query": "starter.query", "pull": "starter.pull"}

if __name__ == "__main__":
    run("starter", __doc__, COMMANDS, before=determinism.fix)
