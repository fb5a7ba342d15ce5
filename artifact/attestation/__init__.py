"""Signed statements about artifacts: what publish states, how it is signed, and whose signatures count.
The same code checks them in release and in the predictor. Nothing here is imported unless somebody names signers."""
