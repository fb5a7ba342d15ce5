"""A column of text as numpy's objects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def texts(column: pa.ChunkedArray) -> np.ndarray:
    """Text as objects, None where missing, [rows]; equal texts are one object, not as many as there are rows."""
    encoded = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    words = np.empty(len(encoded.dictionary), dtype=object)
    words[:] = encoded.dictionary.to_pylist()
    return np.asarray(words[np.from_dlpack(encoded.indices)])  # not `to_numpy`, for which pyarrow imports pandas
