"""What computes predictions from validated columns: scikit-learn's own Pipeline, or the same model in ONNX Runtime.

`engine` reads a manifest's engine and loads what it needs; a new engine is a runner beside these and a line in there.
"""
