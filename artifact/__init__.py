"""The contract between training and serving: what an artifact is, how its bytes are proved."""
