"""One HTTP answer, and what is true of every one of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

LONGEST = 1024
# What no caller may read: where we are, how we are made, what was raised.
INSIDE = re.compile(
    r"/(?:work|tmp|usr|home|root|app|opt)/|site-packages|\.py\b|Traceback|[A-Z]\w+(?:Error|Exception)\b|0x[0-9a-f]{6}"
)

# What no two answers share: the id and time of an event.
UNIQUE = re.compile(rb'"(?:id|time)":"[^"]+"')


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @classmethod
    def parse(cls, received: bytes) -> Answer:
        """The final answer in the bytes that a server sent."""
        while received.startswith(b"HTTP/1.1 100 "):
            received = received.partition(b"\r\n\r\n")[2]
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(int(first.split()[1]), headers, body)

    def same(self, other: Answer) -> bool:
        """Whether both say the same in the same form, but for what is new in each answer, and for metrics."""
        metrics = self.headers["content-type"].startswith("text/plain")
        bodies = {b"" if metrics else UNIQUE.sub(b"", answer.body) for answer in (self, other)}
        return (self.status, list(self.headers), len(bodies)) == (other.status, list(other.headers), 1)

    def checked(self) -> str:
        """The text of an error, after a look at the form that every error has; the body itself of any other answer."""
        assert self.status < 500 or self.status in (501, 505), self.body
        if self.status < 400:
            return self.body.decode("utf-8", "replace")
        assert self.headers["content-type"] == "application/json"
        assert len(self.body) <= LONGEST
        assert list(self.json) == ["error"]
        check_message(self.json["error"])
        return str(self.json["error"])


def check_message(text: str) -> None:
    """One line, not too long, nothing that a terminal obeys, and nothing about our inside."""
    assert text.strip()
    assert text.isprintable()
    assert len(text.encode()) <= LONGEST
    assert not INSIDE.search(text), text
