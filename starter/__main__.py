"""Start a model from a table, and bring the data of one here."""

from pipeline.shared.commands import run

COMMANDS = {"init": "starter.init", "pull": "starter.pull"}

if __name__ == "__main__":
    run("starter", __doc__, COMMANDS, deterministic=True)
