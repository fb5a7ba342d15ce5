"""Quantities in messages."""

from artifact.quantity import quantity


def test_one_and_several() -> None:
    """One thing has no plural; none, and several, have."""
    assert [quantity(count, "row") for count in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
