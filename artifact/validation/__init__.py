"""Rows, tables and tensors against the signature: one set of rules for training, scoring and serving.

`validator` is the entry, and accepts a row that fits at once; `table` accepts tables that do; `column` says which value
does not fit.
"""
