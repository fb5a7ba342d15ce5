"""Reading model.joblib: an unpickler that names, calls and changes only what `allowed_types` lists, within bounds.

`unpickle.loads` is the entry; `work` and `memory` bound what a pickle may cost, `structure` what compiled code trusts.
"""
