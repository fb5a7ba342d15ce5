"""A training in MLflow, one run and one registered version a digest: stage `track`.

What the run holds, where the server is, and how an answer of it is told from a wrong training.
"""
