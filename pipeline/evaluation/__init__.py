"""What the held-out rows say of a model: stage `evaluate`.

Metrics with bootstrap intervals, slices, calibration, expectations of behaviour.
"""
