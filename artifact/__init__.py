"""The contract between training and serving: what an artifact is, and how its bytes are verified, loaded and answered.

`load` goes through the parts in order: digest and manifest, `unpickling`, `engines`, golden answers; `validation` says
which rows a model may be asked about.
"""
