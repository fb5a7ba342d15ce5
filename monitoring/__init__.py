"""What live traffic says: whether a canary is worse, whether inputs drift, whether predictions are still right."""

from artifact.command_table import refuse_module

refuse_module("monitoring")
