"""Where evidence of a release in a cluster comes from: its hosts, Prometheus, or Argo CD's reports to GitHub."""
