"""Runs Git, and changes a remote branch by compare-and-swap.
release.gitops knows what the files mean."""
