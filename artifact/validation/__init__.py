"""Rows, tables and tensors against the signature: one set of rules for training, scoring and serving.

`validator` is the entry; `row` and `table` accept what fits at once, and `column` says which value does not.
"""
