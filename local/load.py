"""Somebody who asks a model without a pause, to see who answers."""

import threading
import urllib.request
from typing import Self

from local.deadlines import ANSWER_SECONDS

BODY = b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'
PAUSE = 0.02  # seconds between an answer and the next question


class Load:
    """Asks the splitter without a pause, in a thread, from `with` on; `failed` holds what was not answered with 200."""

    def __init__(self, url: str) -> None:
        self.failed: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(url,), daemon=True)

    def _ask(self, url: str) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})  # noqa: S310  on this machine
        while not self._ended.wait(PAUSE):
            try:
                with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                    answer.read()
            except OSError as error:
                self.failed.append(str(error))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
