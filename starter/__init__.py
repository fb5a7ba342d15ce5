"""Start a model, and bring its data here: `init`, `query` and `pull`.

`init` guesses a schema and a first Pipeline from a table, writes params.yaml and puts the files in place.
"""

from artifact.command_table import refuse_module

refuse_module("starter")
