"""A column of text as the vectorizers of scikit-learn take it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class OneColumn(TransformerMixin, BaseEstimator):
    """Turn one column of text, [rows, 1], into the list of documents, [rows], that a vectorizer reads.

    A missing text is the empty document. Stateless: each row is transformed by itself. The pipeline puts this step
    before CountVectorizer, TfidfVectorizer and HashingVectorizer by itself.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check that X has one column."""
        validate_data(self, X, skip_check_array=True)
        if self.n_features_in_ != 1:
            raise ValueError(f"{self.n_features_in_} columns; a vectorizer reads one: give each a block of its own")
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Texts, object of shape [rows]."""
        check_is_fitted(self, "n_features_in_")
        validate_data(self, X, reset=False, skip_check_array=True)
        values = np.asarray(X, dtype=object)[:, 0]
        documents = np.empty(len(values), dtype=object)
        documents[:] = ["" if value is None or value != value else value for value in values]
        return documents
