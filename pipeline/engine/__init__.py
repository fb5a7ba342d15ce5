"""Stage convert: the Pipeline written as an ONNX graph in float64, and the proof that both answer alike.

Where there is no graph, or it is not proved equal, scikit-learn serves; models of trees get an engine for many rows
beside it. build/engine/ says which, and why.
"""
