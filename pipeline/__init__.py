"""Offline: the stages of dvc.yaml, a folder each, in the order of the loop.

`params` is read by every stage; `shared` is what several of them need.
"""
