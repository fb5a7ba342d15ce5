"""Offline: the stages of dvc.yaml, a folder each, in the order of the loop.

`params` is read by every stage; `shared` is what several of them need.
"""

from artifact.command_table import refuse_module

refuse_module("pipeline")
