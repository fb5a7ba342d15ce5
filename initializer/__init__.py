"""A storage initializer for KServe that takes artifacts from S3, and hashes each byte while it comes.

It stands in the predictor's image, so that a node which has the one has the other. Only the standard library,
`artifact` and obstore are imported: what starts in front of every predictor has to start quickly.
"""
