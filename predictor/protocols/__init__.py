"""What the bytes of a request mean and how an answer is written: v1, v2 and CloudEvents as JSON, and v2's tensors.

Nothing here knows a socket: functions from bytes or decoded JSON to validated columns, and from a prediction to bytes.
"""
