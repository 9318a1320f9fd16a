"""Where a body is taken apart."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

_Unpacked = TypeVar("_Unpacked")

# A larger one would keep others waiting.
_QUICK_BYTES = 64 * 1024


async def unpacked(unpack: Callable[[], _Unpacked], size: int) -> _Unpacked:
    """What `unpack` makes of a body of `size` bytes: at once, or in a thread if that takes long."""
    return unpack() if size <= _QUICK_BYTES else await asyncio.to_thread(unpack)
