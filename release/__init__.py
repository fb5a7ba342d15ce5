"""The only writer of the models bucket and of the machine-owned files under gitops/."""

from artifact.command_table import refuse_module

refuse_module("release")
