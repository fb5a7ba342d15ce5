"""The number of the artifact format, and how to change it.

To change the format:

1. Raise SCHEMA_VERSION by one and write below what changed.
2. Keep reading every older number in `manifest.py`; only writing moves to the new one.
3. Add an artifact of the old format to `tests/artifact/formats/` before the change: it stays under test for ever.

Versions:
    1  manifest.json, model.joblib, profile.json, golden.json; a reader verifies whatever else the manifest names
       (model.onnx, seen.npy, background.json) and may do without it.
    2  `engines` in the place of `engine`: a list, each with the rows of a call that it is for. `decision`: how labels
       follow from probabilities or scores. `weight`: the column that weighed the rows in training, or null.
       Signatures may have several outputs, outputs of several columns, and inputs that are datetime, date, or int64
       with missing values. profile.json describes each output by name, on held-out rows, and how often answers of
       each certainty were right. manifest.json.sigstore.json, a signature of manifest.json, may lie beside it: it is
       no part of the digest.
"""

SCHEMA_VERSION = 2
READABLE = frozenset({1, 2})
