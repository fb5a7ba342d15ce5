"""The predictor's image: built so that two builds are one digest, found by its tag only where its attestations hold.

The commands of `make image-find`, `image-build`, `image-push` and `image-verify`, by buildah, skopeo and gh. Standard
library only: image.yml runs them before anything is installed.
"""
