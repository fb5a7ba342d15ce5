"""Reads requests and writes answers of v1, v2 and CloudEvents: JSON, and v2's tensors.

No sockets: functions from bytes or decoded JSON to validated columns, and from a prediction to bytes.
"""
