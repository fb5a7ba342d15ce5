"""params.yaml: every value that a person owns, read with its types and checked before a stage starts.

`params` is the whole file, each large section is a pydantic model in its own module, `metrics` the catalogue of what it
may name. A model says what one key may be; its check function says what it may be beside another key or the schema.
"""
