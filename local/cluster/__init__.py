"""A real cluster on one machine: kind, with what docs/to-your-cluster installs, and the embedded platform beside it."""
