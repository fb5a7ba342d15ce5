"""Batch scoring: a table of any size through a verified artifact, `score`.

Readers, pieces that a run which was killed takes up again, and locations on disk or on S3.
"""
