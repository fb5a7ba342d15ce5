"""Our predictor beside what a user would pick instead: same model, same machine, one call. Ratios, not claims."""
