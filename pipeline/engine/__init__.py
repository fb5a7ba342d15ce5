"""Stage convert: the Pipeline written as an ONNX graph in float64, and the proof that both answer alike.

Where there is no graph, or it is not proved equal, scikit-learn serves; build/engine/ says which, and why.
"""
