"""params.yaml: every value that a person owns, read with its types and checked before a stage starts.

`params` is the whole file, `metrics` the catalogue of what it may name; the others are its larger sections.
"""
