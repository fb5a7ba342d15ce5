"""Plots of a model as PNG and CSV; no number that decides anything comes from here.

Stage `evaluate` draws the plots of one model, stage `report` champion and challenger side by side.
"""
