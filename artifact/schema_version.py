"""The number of the artifact format, and how to change it.

To change the format:

1. Raise SCHEMA_VERSION by one and write below what changed.
2. Keep reading every older number in `manifest.py`; only writing moves to the new one.
3. Add an artifact of the old format to `tests/artifact/formats/` before the change: it stays under test for ever.

Versions:
    1  manifest.json, model.joblib, profile.json, golden.json; a reader verifies whatever else the manifest names
       (model.onnx, seen.npy) and may do without it.
"""

SCHEMA_VERSION = 1
READABLE = frozenset({1})
