"""From a fitted Pipeline to an artifact: stage `package`.

The artifact is loaded as the image will load it, with the serving lock alone, before it gets its name.
"""
