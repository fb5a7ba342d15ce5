"""Online: the kserve.Model and its server. It verifies one artifact, then serves that one and no other.

`http` and `grpc` take in requests and refuse what is over their limits; `protocols` reads their bytes, `serving` admits
them and predicts by `model`, `observe` counts and logs them. `settings` holds every limit.
"""
