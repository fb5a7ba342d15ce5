"""How many of something, in a message: 1 row, 2 rows."""


def quantity(count: int, noun: str) -> str:
    """`count` with commas between thousands, and `noun`, which takes an s unless it is one."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
