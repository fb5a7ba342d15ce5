"""Online: the kserve.Model and its server. Verifies what it was given, then serves it, and nothing else."""
