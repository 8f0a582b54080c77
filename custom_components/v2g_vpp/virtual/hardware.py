"""The hardware of a station: its EVSEs, and what concerns all of them."""

from collections.abc import Callable, Iterator

from ..domain.clock import Clock
from .common import Common
from .config import Fault, VirtualStationConfig
from .evse import Evse
from .inventory import build_device_model
from .profile_rules import Rejection
from .schedule import Moment, WireObject, format_time, parse_time
from .station_clock import StationClock
from .stored_profile import ProfileFilter
from .transaction import Stop


class Hardware:
    """All EVSEs of one station."""

    def __init__(
        self,
        config: VirtualStationConfig,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        """Start with nothing plugged in.

        Args:
            config: of the station.
            clock: the true one; the station may have its own opinion.
            on_change: called when there is something new to tell the CSMS.
        """
        self.config = config
        self.clock = StationClock(
            clock, offset_s=config.clock_offset_s, drift_ppm=config.clock_drift_ppm
        )
        common = Common(config=config, clock=self.clock, on_change=on_change)
        self.model = common.model
        self.der = common.der
        self.profiles = common.profiles
        self.queue = common.queue
        self.faults = common.faults
        self.evses = tuple(Evse(evse_id, common) for evse_id in config.evse_ids)
        self.model.add(build_device_model(config, self.evses))

    def __iter__(self) -> Iterator[Evse]:
        """Iterate over the EVSEs, by their numbers."""
        return iter(self.evses)

    # What is known

    @property
    def first(self) -> Evse:
        """EVSE 1, which every station has."""
        return self.evses[0]

    @property
    def is_busy(self) -> bool:
        """True while a transaction runs anywhere."""
        return any(evse.transaction is not None for evse in self)

    def find(self, evse_id: int | None) -> Evse | None:
        """Return an EVSE by its number, None when there is none."""
        return next((evse for evse in self if evse.evse_id == evse_id), None)

    def meant(self, evse_id: int | None) -> tuple[Evse, ...]:
        """Return the EVSEs that a request means: 0 or nothing is all of them."""
        if not evse_id:
            return self.evses
        return tuple(evse for evse in self if evse.evse_id == evse_id)

    def at_transaction(self, transaction_id: str) -> Evse | None:
        """Return the EVSE where a transaction runs, None when it does not."""
        return next(
            (
                evse
                for evse in self
                if evse.transaction is not None
                and evse.transaction.transaction_id == transaction_id
            ),
            None,
        )

    def ready_for(self, id_token: WireObject, evse_id: int | None) -> Evse | None:
        """Return where a transaction may be asked for; one with a vehicle first."""
        may = [evse for evse in self.meant(evse_id) if evse.may_start(id_token)]
        return min(may, key=lambda evse: not evse.is_plugged(), default=None)

    def evse_of_profile(self, profile_id: int) -> int | None:
        """Return the number that a profile was installed for, 0 for all EVSEs."""
        wanted = ProfileFilter(profile_ids=frozenset({profile_id}))
        stored = next(iter(self.profiles.select(wanted)), None)
        return stored.evse_id if stored else None

    def minimum_w(self, evse_id: int | None) -> float:
        """Return the smallest power that an EVSE follows, W; of EVSE 1 for others."""
        evse = self.find(evse_id) or self.first
        return evse.config.plant.minimum_power_w

    def now(self) -> Moment:
        """Return the present moment on both clocks of the station."""
        return Moment(mono_s=self.clock.monotonic(), at=self.clock.utcnow())

    def clock_text(self) -> str:
        """Return the time of the station."""
        return format_time(self.clock.utcnow())

    # What happens to all of them

    def advance(self) -> None:
        """Bring physics and rules to the present moment."""
        for evse in self:
            evse.advance()

    def profiles_changed(self) -> None:
        """Act on what the CSMS installed, changed or removed."""
        for evse in self:
            evse.profiles_changed()

    def update_profile(self, profile_id: int, update: WireObject) -> Rejection | None:
        """Apply a dynamic update where its profile counts; return why not.

        Raises:
            ValueError: for a number that is not finite.
        """
        evse = self.find(self.evse_of_profile(profile_id)) or self.first
        return evse.update_profile(profile_id, update)

    def set_fault(self, fault: Fault, *, is_on: bool) -> None:
        """Begin or end a misbehaviour."""
        self.advance()
        if is_on:
            self.faults.add(fault)
        else:
            self.faults.discard(fault)
        self.profiles.is_expiry_ignored = Fault.IGNORE_EXPIRY in self.faults
        for evse in self:
            evse.faults_changed()

    def press_emergency_stop(self) -> None:
        """Press the one button of the station: every contactor opens at once."""
        for evse in self:
            evse.press_emergency_stop()

    def release_emergency_stop(self) -> None:
        """Let the button go; nothing starts by itself."""
        for evse in self:
            evse.release_emergency_stop()

    def lose_power(self) -> None:
        """Lose the mains: contactors fall open and transactions end."""
        for evse in self:
            evse.lose_power()

    def stop_transactions(self, stop: Stop) -> None:
        """Ramp everything down, then end the transactions."""
        for evse in self:
            evse.stop_transaction(stop)

    def step_clock(self, step_s: float) -> None:
        """Let the station's clock jump, s; negative: back."""
        self.advance()
        self.clock.step(step_s)
        self.profiles_changed()

    def told_time(self, text: str) -> None:
        """Set the clock by an answer of the CSMS, if the station does that."""
        if self.config.follows_csms_time:
            self.advance()
            self.clock.set_to(parse_time(text))
            self.profiles_changed()

    # The link

    def went_online(self, version: str) -> None:
        """Note that a link opened, and what can be said on it."""
        self.advance()
        for evse in self:
            evse.log.has_operation_modes = version == "2.1"
        self.profiles.came_online(self.now())

    def registered(self) -> None:
        """Note that the CSMS let the station in: what happens is told live."""
        for evse in self:
            evse.log.is_online = True

    def went_offline(self) -> None:
        """Note that the link is gone."""
        self.advance()
        for evse in self:
            evse.log.is_online = False
        self.profiles.went_offline(self.now())
