"""The commands of `python -m release`, one module each. A command decides what Git or the bucket should hold; the other
packages read and write it."""
