"""What a request of any protocol passes through: admission, the thread that works on it, its deadline, its counts.

`steps` has each step; `turns` takes them for several plain requests at once, `lifecycle` for each of the others by
itself. `batcher` decides which predictions share one call of the model in a thread.
"""
