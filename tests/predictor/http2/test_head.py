"""Heads that are remembered: only while HPACK's table is the same."""

from __future__ import annotations

import random

import hpack

from predictor.http2.head import HeadReader

CALL = [(":method", "POST"), (":scheme", "http"), (":path", "/a"), ("x", "1")]


def test_the_same_again() -> None:
    """A block of nothing but indexes is read once, and not again while no other block came."""
    reader, encoder = HeadReader(1000), hpack.Encoder()
    first = reader.read(encoder.encode(CALL))
    block = encoder.encode(CALL)
    again = reader.read(block)
    assert again.fields == first.fields == {name.encode(): value.encode() for name, value in CALL}
    assert reader.read(block) is again
    assert reader.read(block, trailing=True).fault is not None  # a method behind a body is none


def test_another_table() -> None:
    """The same block says something else when the table has changed, of however many entries."""
    reader, encoder = HeadReader(1000), hpack.Encoder()
    for value in ("1", "2", "3"):
        call = [*CALL[:3], ("x", value)]
        reader.read(encoder.encode(call))
        block = encoder.encode(call)
        assert reader.read(block).fields[b"x"] == value.encode()
        assert reader.read(block).fields[b"x"] == value.encode()


def test_any_headers() -> None:
    """Heads of a client whose table overflows, many times, are what it sent."""
    reader, encoder = HeadReader(32 << 10), hpack.Encoder()
    for number in range(300):
        call = [*CALL, *((f"name-{(number * 7 + at) % 90}", "v" * (number % 50)) for at in range(9))]
        for _ in range(2):
            assert reader.read(encoder.encode(call)).fields == {n.encode(): v.encode() for n, v in call}


def test_blocks_that_repeat() -> None:
    """Whatever a client inserts, evicts and sends again, each block is read as HPACK's decoder alone reads it."""
    for seed in range(20):
        chance = random.Random(seed)
        reader, alone, encoder = HeadReader(32 << 10), hpack.Decoder(), hpack.Encoder()
        blocks = [encoder.encode(CALL)]
        for _ in range(150):
            if chance.random() < 0.1:
                encoder.header_table_size = chance.choice([0, 100, 300, 4096])
            if chance.random() < 0.5:
                call = [*CALL, *((f"n{chance.randrange(6)}", f"v{chance.randrange(4)}", chance.random() < 0.2),) * 2]
                blocks.append(encoder.encode(call, huffman=chance.random() < 0.5))
            block = blocks[-1] if chance.random() < 0.7 else bytes(chance.choices(range(0x81, 0xBE + 4), k=4))
            try:
                fields = dict(alone.decode(block, raw=True))
            except hpack.HPACKError:
                break
            assert reader.read(block).fields == fields
