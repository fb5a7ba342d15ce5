"""Fitting one scikit-learn Pipeline: stages `tune` and `train`.

Estimators by name, seeds, the search with its folds and trials, and the Dask cluster that may do the work.
"""
