"""What the hardware around the plug tells: a hot handle, a contactor that sticks."""

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


class HardwareGuard:
    """Watches the parts of one EVSE."""

    def __init__(self) -> None:
        """Start cool and open."""
        self._is_hot = False
        self._hot_handle = self._hot_inlet = False
        self._warm_mono_s = self._doubt_mono_s = float("-inf")
        self._closed_since_mono_s: float | None = None
        self._is_welded = False

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
        handle_c, is_inlet_hot = observed.handle_c, observed.is_inlet_hot is True
        is_handle_hot = handle_c is not None and handle_c >= HANDLE_STOP_C
        if is_inlet_hot or (handle_c is not None and handle_c > HANDLE_COOL_C):
            self._warm_mono_s = self._doubt_mono_s = now_mono_s
        if is_inlet_hot or is_handle_hot:
            self._hot_inlet |= is_inlet_hot
            self._hot_handle |= is_handle_hot
            is_news, self._is_hot = not self._is_hot, True
            return HardwareFinding.HANDLE_HOT if is_news else None
        if not self._is_hot:
            return None
        # Silence is not coolness: what told of the heat has to tell of its end.
        if (self._hot_handle and handle_c is None) or (
            self._hot_inlet and observed.is_inlet_hot is None
        ):
            self._doubt_mono_s = now_mono_s
        if (
            now_mono_s - self._doubt_mono_s < HANDLE_COOL_S
            and now_mono_s - self._warm_mono_s < HANDLE_UNHEARD_COOL_S
        ):
            return None
        self._is_hot = self._hot_handle = self._hot_inlet = False
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
