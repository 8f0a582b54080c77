"""What the hardware around the plug tells: a hot handle, a contactor that sticks."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ..domain.heat import HANDLE_STOP_C

HANDLE_COOL_C = HANDLE_STOP_C - 10.0
HANDLE_COOL_S = 600.0
"""10 K and 10 min of hysteresis (control brief): heat comes back out of the cable."""

HANDLE_UNHEARD_COOL_S = 7200.0
"""House rule: without a reading, a handle that carries no current is given 2 h."""

CONTACTOR_OPENS_WITHIN_S = 30.0
"""House rule: the longest that a station may leave it closed around a transaction."""


class HeatSource(StrEnum):
    """Who told of heat, and so has to tell of its end."""

    HANDLE = "handle"
    """Its temperature."""

    INLET = "inlet"
    """Of the vehicle."""

    REPORT = "report"
    """The charging station, by the name of the fault."""


class HardwareFinding(StrEnum):
    """What changed."""

    HANDLE_HOT = "handle_hot"
    HANDLE_COOL = "handle_cool"
    CONTACTOR_WELDED = "contactor_welded"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareObserved:
    """What the station told of the parts of one EVSE; None where it did not."""

    handle_c: float | None
    is_inlet_hot: bool | None
    is_contactor_closed: bool | None
    has_transaction: bool
    is_heat_reported: bool = False
    """True while the fault of a hot handle counts as active."""


class HardwareGuard:
    """Watches the parts of one EVSE."""

    def __init__(
        self, heat: Iterable[HeatSource] = (), now_mono_s: float = float("-inf")
    ) -> None:
        """Start open, and as hot as it was: time without us cools nothing.

        Args:
            heat: what was kept of a time before.
            now_mono_s: when it was read; how long ago the heat was is not known.
        """
        self._heat = set(heat)
        self._warm_mono_s = self._doubt_mono_s = now_mono_s
        self._closed_since_mono_s: float | None = None
        self._is_welded = False

    @property
    def heat(self) -> frozenset[HeatSource]:
        """Who told of the heat that is not over yet; empty while it is cool."""
        return frozenset(self._heat)

    def step(
        self, observed: HardwareObserved, now_mono_s: float
    ) -> HardwareFinding | None:
        """Return what changed now, None when nothing did."""
        return self._handle(observed, now_mono_s) or self._contactor(
            observed, now_mono_s
        )

    def _handle(
        self, observed: HardwareObserved, now_mono_s: float
    ) -> HardwareFinding | None:
        handle_c = observed.handle_c
        told = _told_hot(observed)
        if HeatSource.INLET in told or (
            handle_c is not None and handle_c > HANDLE_COOL_C
        ):
            self._warm_mono_s = self._doubt_mono_s = now_mono_s
        if told:
            is_news = not self._heat
            self._heat |= told
            return HardwareFinding.HANDLE_HOT if is_news else None
        if not self._heat:
            return None
        if not observed.is_heat_reported:
            self._heat.discard(HeatSource.REPORT)
        if self._heat & _silent(observed):
            self._doubt_mono_s = now_mono_s
        if self._heat and (
            now_mono_s - self._doubt_mono_s < HANDLE_COOL_S
            and now_mono_s - self._warm_mono_s < HANDLE_UNHEARD_COOL_S
        ):
            return None
        self._heat.clear()
        return HardwareFinding.HANDLE_COOL

    def _contactor(
        self, observed: HardwareObserved, now_mono_s: float
    ) -> HardwareFinding | None:
        """Find a contactor that is closed although no transaction wants it."""
        if observed.has_transaction or not observed.is_contactor_closed:
            self._closed_since_mono_s, self._is_welded = None, False
            return None
        if self._closed_since_mono_s is None:
            self._closed_since_mono_s = now_mono_s
        lasts_s = now_mono_s - self._closed_since_mono_s
        if self._is_welded or lasts_s <= CONTACTOR_OPENS_WITHIN_S:
            return None
        self._is_welded = True
        return HardwareFinding.CONTACTOR_WELDED


def _told_hot(observed: HardwareObserved) -> set[HeatSource]:
    told: set[HeatSource] = set()
    if observed.handle_c is not None and observed.handle_c >= HANDLE_STOP_C:
        told.add(HeatSource.HANDLE)
    if observed.is_inlet_hot is True:
        told.add(HeatSource.INLET)
    return told


def _silent(observed: HardwareObserved) -> set[HeatSource]:
    """Return who did not tell that it is cool: silence is not coolness."""
    silent: set[HeatSource] = set()
    if observed.handle_c is None:
        silent.add(HeatSource.HANDLE)
    if observed.is_inlet_hot is None:
        silent.add(HeatSource.INLET)
    if observed.is_heat_reported:
        silent.add(HeatSource.REPORT)
    return silent
