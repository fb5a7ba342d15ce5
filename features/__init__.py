"""Your own transformers: imported by training, copied into the image, part of every model that uses them.

A transformer here is used by its import name in params.yaml, as scikit-learn's are. It may import what
requirements/serving.txt holds and nothing else: `python -m pipeline package` proves it.
"""
