"""Users of the example: several of them ask at once, rows of mixed species, one row a request."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Self
from urllib.parse import urlsplit

from local import example

_USERS = 4
_PAUSE = 0.005  # seconds between an answer and the user's next question
_SECONDS = 30.0
_WEIGHTS = {"setosa": 6, "versicolor": 3, "virginica": 1}  # how often each species is asked about


class Traffic:
    """Asks `path` of `url` from `with` on. `codes` counts the answers; `shift` cm are added to every length."""

    def __init__(self, url: str, path: str) -> None:
        self.codes: Counter[int] = Counter()
        self.shift = 0.0
        self._address, self._path = urlsplit(url), path
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(user,), daemon=True) for user in range(_USERS)]

    def _ask(self, user: int) -> None:
        rows = _rows(random.Random(user))  # noqa: S311  # an example, the same each time
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=_SECONDS)
        while not self._ended.wait(_PAUSE):
            body = json.dumps({"instances": [[value + self.shift for value in next(rows)]]})
            try:
                connection.request("POST", self._path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                self.codes[answer.status] += 1
            except (OSError, http.client.HTTPException):
                connection.close()
                self.codes[0] += 1
                time.sleep(0.1)
        connection.close()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def _rows(chosen: random.Random) -> Iterator[list[float]]:
    """Lengths of the example's rows, by the species' weights, for ever."""
    import pandas as pd

    table = pd.read_csv(StringIO(example.iris().decode()))
    weights = [_WEIGHTS[species] for species in table.pop("species")]
    values = table.to_numpy().tolist()
    for _ in itertools.count():
        yield chosen.choices(values, weights)[0]
