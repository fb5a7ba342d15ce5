"""How long tests wait. What is late is not yet wrong: a machine with a load of 25 is slow, and only a hang must end."""

START_SECONDS = 300  # until a program is ready, or has ended
ANSWER_SECONDS = 120  # until an answer is there, or a state reached
