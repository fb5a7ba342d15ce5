"""The only writer of the models bucket and of the machine-owned files under gitops/."""
