"""The pages that people look at: what serves, since when, and where it comes from, as HTML without a build step.

`python -m release page` writes them as a static site or serves them on this machine.
"""
