"""How publish signs what it states of an artifact: by a private key, or without one as a workflow of GitHub."""
