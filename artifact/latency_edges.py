"""The bucket edges of modelpin_request_seconds: what the predictor counts by, and what an objective can name."""

# In seconds. About three edges an octave where answers are, so that one lies near each release's p50, p90 and p99.
EDGES = (
    *(number * 1e-5 for number in (5, 7, 10, 14, 20, 28, 40, 55, 75)),
    *(number * 1e-3 for number in (1, 1.4, 2, 2.8, 4, 5.5, 7.5, 10, 14, 20, 28, 40, 55, 75)),
    *(0.1, 0.14, 0.2, 0.28, 0.4, 0.55, 0.75, 1.0, 2.0, 4.0, 10.0, 30.0),
)
# As the label `le` has them.
NAMES = tuple(f"{edge:g}" for edge in EDGES)
