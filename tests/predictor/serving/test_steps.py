"""Admission: slots with a bounded queue before them, and bytes in memory; who gives up takes no slot along."""

from __future__ import annotations

import asyncio

import pytest

from predictor.errors import BuffersFull, QueueFull
from predictor.serving.steps import Buffers, QueuedSemaphore


async def _tick() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_first_come_first_served() -> None:
    """Places are taken, then the queue, then QueueFull at once; who waited longest is next."""

    async def run() -> list[int]:
        slots, served = QueuedSemaphore(1, 2), []

        async def acquire(number: int) -> None:
            await slots.acquire()
            served.append(number)
            await asyncio.sleep(0)
            slots.release()

        await slots.acquire()
        tasks = [asyncio.ensure_future(acquire(number)) for number in (1, 2)]
        await _tick()
        with pytest.raises(QueueFull):
            await slots.acquire()
        slots.release()
        await asyncio.gather(*tasks)
        assert (slots.busy, slots.waiting) == (0, 0)
        return served

    assert asyncio.run(run()) == [1, 2]


@pytest.mark.parametrize("released_first", [False, True], ids=["while waiting", "when its turn has come"])
def test_giving_up(released_first: bool) -> None:
    """A request cancelled in the queue leaves it; one cancelled in the moment of its turn passes the slot on."""

    async def run() -> None:
        slots = QueuedSemaphore(1, 5)
        await slots.acquire()
        first, second = (asyncio.ensure_future(slots.acquire()) for _ in range(2))
        await _tick()
        if released_first:
            slots.release()
            first.cancel()
        else:
            first.cancel()
            slots.release()
        await _tick()
        assert second.done()
        slots.release()
        assert (slots.busy, slots.waiting) == (0, 0)

    asyncio.run(run())


def test_buffers() -> None:
    """Bytes over the limit are refused and not counted."""
    buffers = Buffers(10)
    buffers.take(7)
    with pytest.raises(BuffersFull):
        buffers.take(4)
    buffers.give(4)
    buffers.take(7)
    assert buffers.used == 10
