"""What several stages share: where files are, the tables and how they are split, the metrics.

And the environment that makes a training deterministic, with the digests of the code that trains.
"""
