"""A column of text as numpy's objects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def texts(column: pa.ChunkedArray) -> np.ndarray:
    """Text as objects, None where missing, [rows]; equal texts are one object, not as many as there are rows."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    words = np.empty(len(encoded.dictionary) + 1, dtype=object)  # the last one stands for what is missing
    words[:-1] = encoded.dictionary.to_pylist()
    places = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return np.asarray(words[places])
