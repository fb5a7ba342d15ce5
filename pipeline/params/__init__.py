"""params.yaml: every value that a person owns, read with its types and checked before a stage starts.

`params` is the whole file; the other modules are its larger sections, each named by its section.
"""
