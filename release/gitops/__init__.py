"""The files under gitops/ that this package reads or writes: their formats, and the folder of one environment.
Nothing here decides what a release is to be; release.state does."""
