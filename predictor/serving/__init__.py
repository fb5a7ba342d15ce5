"""What a request of any protocol passes through: admission, the thread that works on it, its deadline, its counts.

`lifecycle` is the order of these steps, and `batcher` decides which predictions share one call of the model.
"""
