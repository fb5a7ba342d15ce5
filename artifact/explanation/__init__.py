"""Why a model answered as it did: what each input added to the score of a row, exact for linear models and trees.

`explainer` computes it from the Pipeline and the background that the artifact carries, made when it was packaged.
"""
