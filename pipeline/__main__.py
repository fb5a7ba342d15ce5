"""The stages of dvc.yaml, one by one; `dvc repro` runs those whose inputs changed."""

import sys

from artifact.command_table import run
from pipeline import fork_server
from pipeline.shared import determinism

# In the order in which dvc.yaml runs them; the last two are no stages.
COMMANDS = {
    "inputs": "pipeline.data.inputs",
    "prepare": "pipeline.data.prepare",
    "tune": "pipeline.training.tune",
    "train": "pipeline.training.train",
    "convert": "pipeline.engine.convert",
    "evaluate": "pipeline.evaluation.evaluate",
    "package": "pipeline.packaging.package",
    "measure": "pipeline.gate.measure",
    "gate": "pipeline.gate.gate",
    "report": "pipeline.report.report",
    "track": "pipeline.tracking.track",
    "cluster": "pipeline.training.cluster",
    "schema": "pipeline.params.json_schema",
}
WITHOUT_OPTIONS = COMMANDS.keys() - {"gate", "cluster"}

if __name__ == "__main__":
    fork_server.hand_over(sys.argv[1:], determinism.ENVIRONMENT)
    run("pipeline", __doc__, COMMANDS, before=determinism.fix, without_options=WITHOUT_OPTIONS)
