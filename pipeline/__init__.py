"""Offline: the stages of dvc.yaml, one module a stage, and `init`, which starts a model from a table."""
