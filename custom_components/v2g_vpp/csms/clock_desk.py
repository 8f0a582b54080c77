"""What messages of one station say of its clock, and telling it to the site."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..domain.clock import Clock
from ..domain.events import StationClockReported
from ..domain.ids import StationId
from ..domain.state import ClockState
from .asked_transactions import AskedTransactions
from .times import StationClock
from .transactions import TransactionFrame

NEWS_S: Final = 5.0
"""An offset is told again when it moved by this."""


class ClockDesk:
    """Compare the clock of a station with ours, for as long as the station is known."""

    def __init__(
        self,
        station_id: StationId,
        clock: Clock,
        post: Callable[[StationClockReported], None],
    ) -> None:
        """Start without knowledge."""
        self.station_clock = StationClock()
        self.asked = AskedTransactions(clock)
        self._post = post
        self._told = StationClockReported(
            station_id=station_id, state=ClockState.UNKNOWN, offset_s=None
        )

    def learn(self, sent_at: datetime, received_at: datetime) -> None:
        """Compare by a frame that was written just now, as far as anybody knows."""
        self.station_clock.learn(sent_at, received_at)
        self._tell()

    def learn_from(self, frame: TransactionFrame, received_at: datetime) -> None:
        """Compare by a step of a transaction that is no replay."""
        took_s = self.asked.took_s(frame)
        if took_s is None:
            self.learn(frame.at, received_at)
        else:
            self.station_clock.prove(frame.at, received_at, took_s)
            self._tell()

    def relinked(self) -> None:
        """Forget what only holds on one link; the site does so with what it was told."""
        self.station_clock.forget_proof()
        self.asked.forget()
        self._told = replace(self._told, makes_old=False)

    def forget(self) -> None:
        """Forget: the station booted."""
        self.station_clock.reset()
        self._tell()

    def is_recent(self, at: datetime, now: datetime, within_s: float) -> bool:
        """Return True when a time of the station's clock is of just now.

        A clock that was never set gives no proof of that.
        """
        station_time = self.station_clock.station_time(now)
        return abs((station_time - at).total_seconds()) <= within_s

    def _tell(self) -> None:
        """Tell what is known, when that is news."""
        clock, told = self.station_clock, self._told
        news = StationClockReported(
            station_id=told.station_id,
            state=clock.state,
            offset_s=clock.offset_s,
            makes_old=clock.makes_old,
        )
        moved_s = abs((news.offset_s or 0.0) - (told.offset_s or 0.0))
        is_same = (news.state, news.makes_old) == (told.state, told.makes_old)
        if is_same and moved_s < NEWS_S:
            return
        self._told = news
        self._post(news)
