"""Where demands to follow come from; a series survives a restart of the aggregator."""

import asyncio
from collections.abc import AsyncIterable
from datetime import datetime
import logging
from pathlib import Path
import sys

from .clock import Clock
from .errors import AggregatorError, BadRequestError
from .files import read_json, write_json
from .fleet_view import fleet
from .follower import Follower
from .leader import Leader
from .progress import Following
from .series import Series, parse_csv, parse_line

_LOGGER = logging.getLogger(__name__)

SETTLE_S = 3.0
"""House rule: after a start the broker and the homes get this long to say who is there,
or the first ones that we hear of would have to serve everything."""

SETTLE_MOST_S = 60.0
"""What homes were asked last holds for at least 100 s more; they wait that long."""

UNKNOWN_SHARE = 0.05


class FollowDesk:
    """Starts and ends what the follower follows."""

    def __init__(
        self, leader: Leader, follower: Follower, kept: Path, clock: Clock
    ) -> None:
        """Serve one follower; ``kept`` is the file of the series being followed."""
        self._leader = leader
        self._kept = kept
        self._clock = clock
        self.follower = follower

    async def follow_series(
        self, series: Series, event_id: str | None = None
    ) -> Following:
        """Follow a series from now on, also after a restart."""
        document = {
            "begun_at": self._clock.utcnow().isoformat(),
            "event_id": event_id,
            **series.to_document(),
        }
        following = self.follower.follow(series, event_id)
        await asyncio.to_thread(write_json, self._kept, document)
        return following

    async def follow_value(
        self, power_w: float, hold_s: float | None = None, event_id: str | None = None
    ) -> Following:
        """Follow one live value; whoever sends it sends the next one in time.

        Raises:
            BadRequestError: when it is out of bounds.
        """
        series = Series.of([(0.0, power_w)], hold_s)
        await asyncio.to_thread(self._kept.unlink, missing_ok=True)
        return self.follower.follow(series, event_id)

    async def stop(self) -> bool:
        """End the demand; return whether there was one."""
        await asyncio.to_thread(self._kept.unlink, missing_ok=True)
        return self.follower.stop()

    async def resume(self) -> None:
        """Go on with the series of the last term, where it is by now."""
        try:
            document = await asyncio.to_thread(read_json, self._kept)
            if document is None:
                return
            series = Series.from_document(document)
            begun_at = datetime.fromisoformat(document["begun_at"])
            event_id = document["event_id"]
        except (AggregatorError, KeyError, TypeError, ValueError) as err:
            # Nobody is harmed: what homes were asked ends by itself.
            _LOGGER.error("the demand of the last term cannot be read: %s", err)
            return
        await self._homes_known()
        elapsed_s = (self._clock.utcnow() - begun_at).total_seconds()
        if self.follower.following is None and 0 <= elapsed_s < series.end_s:
            _LOGGER.info("the demand of the last term goes on at %.0f s", elapsed_s)
            self.follower.follow(series, event_id, elapsed_s)

    async def _homes_known(self) -> None:
        """Return once nearly every home has said who it is, or will not."""
        while not self._leader.is_connected:
            await asyncio.sleep(0.1)
        begun_mono_s = self._clock.monotonic()
        await asyncio.sleep(SETTLE_S)
        while self._clock.monotonic() - begun_mono_s < SETTLE_MOST_S:
            sums = fleet(self._leader)
            if sums.unknown <= UNKNOWN_SHARE * sums.homes:
                return
            await asyncio.sleep(0.5)

    async def feed(self, source: str) -> None:
        """Follow the rows of a file, or each line of standard input (``-``)."""
        if source == "-":
            await self._feed_standard_input()
            return
        try:
            text = await asyncio.to_thread(Path(source).read_text)
            await self.follow_series(parse_csv(text.splitlines(), self._clock.utcnow()))
        except (OSError, UnicodeDecodeError, BadRequestError) as err:
            _LOGGER.error("%s cannot be followed: %s", source, err)

    async def _feed_standard_input(self) -> None:
        reader = asyncio.StreamReader()
        try:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
            )
        except ValueError:
            # A file has no moment at which its next line comes.
            _LOGGER.error("standard input is no pipe: give the file to --demand")
            return
        try:
            await self.follow_lines(reader)
        finally:
            transport.close()

    async def follow_lines(self, lines: AsyncIterable[bytes]) -> None:
        """Follow one live value per line until there are no more lines."""
        async for line in lines:
            if not line.strip():
                continue
            try:
                await self.follow_value(parse_line(line.decode(errors="replace")))
            except BadRequestError as err:
                _LOGGER.error("the demand goes on as it was: %s", err)
