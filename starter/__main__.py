"""Start a model from a table, bring its data here, make a repository of your own, and follow later versions."""

from artifact.command_table import run
from pipeline.shared import determinism

COMMANDS = {
    "init": "starter.init",
    "query": "starter.query",
    "pull": "starter.pull",
    "new": "starter.new",
    "upgrade": "starter.upgrade",
}

if __name__ == "__main__":
    run("starter", __doc__, COMMANDS, before=determinism.fix)
