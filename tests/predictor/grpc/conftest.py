"""One thread of gRPC's asyncio library for all tests of a worker."""

import grpc.aio
import pytest


@pytest.fixture(scope="session", autouse=True)
def keep_polling() -> None:
    """Start the thread that polls for gRPC's asyncio objects, which then runs until this process ends.

    When the last of these objects is deleted the library joins that thread. The collector may do so during any later
    test of this worker, and the thread was seen not to end: the worker hung.
    """
    grpc.aio.init_grpc_aio()
