"""From the raw table to the rows that training and evaluation read: stages `inputs` and `prepare`.

A table is read in chunks, converted without loss, checked against its contract, for leakage and drift, and split.
"""
