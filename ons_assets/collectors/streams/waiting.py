"""What came over a connection and waits to be kept: taken all at once, and bounded."""

import asyncio
from contextlib import suppress

from ons_assets.collectors.streams.links import Batch

# While more waits, the service is not read.
MOST_BYTES = 1 << 20
# So much does a message take beside its bytes.
OF_A_MESSAGE = 64


class Waiting:
    """Batches in their order, each with when it came, and last why there are no more."""

    def __init__(self) -> None:
        self._bytes = 0
        self._items: list[tuple[Batch | Exception, float]] = []
        self._some, self._room = asyncio.Event(), asyncio.Event()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._items)

    async def put(self, item: Batch | Exception, came: float) -> None:
        """Add a batch, and wait while there is too much.

        Parameters
        ----------
        item
            Or why there are no more.
        came
            When, by the clock that only goes forward.
        """
        self._items.append((item, came))
        self._some.set()
        if not isinstance(item, Exception):
            # One without a message takes room, too.
            self._bytes += sum(map(len, item.messages)) + OF_A_MESSAGE * (1 + len(item.messages))
            if self._bytes > MOST_BYTES:
                self._room.clear()
                await self._room.wait()

    async def some(self, seconds: float) -> None:
        """Wait until anything is there, for so long at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._some.wait(), seconds)

    def take(self) -> list[tuple[Batch | Exception, float]]:
        """Return all that waits, and make room."""
        found, self._items, self._bytes = self._items, [], 0
        self._some.clear()
        self._room.set()
        return found
