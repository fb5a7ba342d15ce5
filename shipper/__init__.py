"""Ships the files of the inference log to S3, from a container beside the predictor that has credentials.

It stands in the predictor's image, so that what logs and what ships are of one version. It imports the standard
library, `artifact`, and libraries in Rust: pyarrow weighs five times as much.
"""
