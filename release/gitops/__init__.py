"""The files under gitops/ that this package reads or writes: their formats, and the folder of one environment.
release.state and release.transitions decide what they are to say."""
