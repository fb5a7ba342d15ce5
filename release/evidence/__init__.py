"""How a cluster is seen: its hosts are asked, or Prometheus is, or Argo CD reports to GitHub."""
