"""Work for a caller who has gone is given up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from starlette.requests import ClientDisconnect, Request

# Most answers come sooner; only the others are worth a task that watches the connection.
_PATIENCE_SECONDS = 0.05


@asynccontextmanager
async def cancelled_on_disconnect(request: Request) -> AsyncIterator[None]:
    """Cancel what the block awaits once the caller has closed the connection.

    The request's body must have been read.

    Raises:
        ClientDisconnect: the caller has gone.
    """
    work = cast("asyncio.Task[object]", asyncio.current_task())
    gone = False
    watch: asyncio.Task[None] | None = None

    async def wait_for_disconnect() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        work.cancel()

    def begin_to_watch() -> None:
        nonlocal watch
        watch = asyncio.create_task(wait_for_disconnect())

    loop = asyncio.get_running_loop()
    timer = loop.call_later(_PATIENCE_SECONDS, begin_to_watch)
    try:
        yield
    except asyncio.CancelledError:
        if gone and not work.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        if watch:
            watch.cancel()
