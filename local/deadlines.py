"""How long a person's machine is waited for. One that is busy is slow, which is no failure; only a hang must end.

What has ended is noticed at once, so these may be long.
"""

START_SECONDS = 300.0  # until a service of the platform, or a predictor, answers
ANSWER_SECONDS = 120.0  # until an answer is there, or a release is ready
