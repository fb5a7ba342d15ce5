"""What live traffic says: whether a canary is worse, whether inputs drift, whether predictions are still right."""
