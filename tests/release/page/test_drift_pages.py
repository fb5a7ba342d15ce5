"""The order in which drift is listed."""

from typing import Any

from release.page.drift_pages import DriftPage, rank


def test_alarms_come_first_by_the_accuracy_that_they_are_estimated_to_cost() -> None:
    """An estimate orders alarms and makes none: one without an alarm stays behind."""
    nothing: Any = None
    losses = {"quiet": (False, 0.3), "little": (True, 0.01), "unknown": (True, None), "most": (True, 0.2)}
    pages = [
        DriftPage(nothing, nothing, (), alarm, name, None, estimated_loss=loss)
        for name, (alarm, loss) in losses.items()
    ]
    assert [page.path for page in sorted(pages, key=rank)] == ["most", "little", "unknown", "quiet"]
