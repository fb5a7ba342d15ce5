"""What several stages share: where files are, the tables and how they are split, the digests of the code that trains.

And how a stage is started: by its name, in the environment that makes a training deterministic.
"""
