"""What a predictor says about its requests: metrics, a log line each, the ids of a trace, and live distributions.

Nothing here changes an answer, and nothing keeps a value of a payload beyond the counts of its bin.
"""
