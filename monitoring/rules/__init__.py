"""What Prometheus and Grafana are told, written from gitops/monitoring/objectives.yaml: rules, alerts, a dashboard."""
