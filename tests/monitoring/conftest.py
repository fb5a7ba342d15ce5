"""A real Prometheus with recorded series."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from local import prometheus


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`recorded(text)`: the URL of a Prometheus that holds the OpenMetrics `text`."""
    try:
        prometheus.program("promtool")
    except prometheus.ConfigurationError as error:
        pytest.skip(str(error))
    with ExitStack() as stack:

        def start(text: str) -> str:
            folder = tmp_path_factory.mktemp("prometheus")
            return stack.enter_context(prometheus.Prometheus(folder, recorded=text)).url

        yield start
