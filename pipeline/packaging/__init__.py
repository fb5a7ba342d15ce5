"""From a fitted Pipeline to an artifact: stage `package`.

The engine is chosen here and proved equal to scikit-learn, and the artifact is loaded as the image will load it.
"""
