"""How long something awaited may take."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def within(seconds: float | None, late: Callable[[], Exception]) -> AsyncIterator[None]:
    """Cancel what is awaited in this ``with`` if it takes longer, and raise what ``late`` makes.

    None: as long as it takes. A TimeoutError of what is awaited stays one.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise late() from None
