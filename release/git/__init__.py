"""Git as a program: running it, and changing a remote branch by compare-and-swap.
What the files mean is release.gitops's to know."""
