"""What the grid settings that rule do to the power of the EVSE."""

from dataclasses import dataclass
from typing import Final

from ...domain.units import clamp, share_of
from ..metering import NOMINAL_FREQUENCY_HZ, GridState
from ..schedule import Moment
from .control import Control, DerType
from .controls import Controls

SMALLEST_BEND_W: Final = 1.0
"""Less is arithmetic, not a deviation that anybody is told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """A control that makes the power differ from what the profiles ask for."""

    type: DerType
    fault: str | None = None
    """Grid event behind it."""


class Effects:
    """Bends the command of the EVSE as the controls say.

    A fixed power factor is reactive power, which this plant does not have: such a
    control is kept and reported, and bends nothing.
    """

    def __init__(
        self, controls: Controls, *, max_charge_w: float, max_discharge_w: float
    ) -> None:
        """Follow the controls of a station at this nameplate, W, both positive."""
        self._controls = controls
        self.bend: Bend | None = None
        """What bends the power now; None: it is as the profiles ask for."""

        self._max_charge_w = max_charge_w
        self._max_discharge_w = max_discharge_w
        self._fault: str | None = None
        """What keeps the EVSE out of service, until the delay after its end."""

        self._is_good_since_mono_s: float | None = None

    def rest(self) -> None:
        """Note that no power is asked for."""
        self.bend = None

    def ramp_w_per_s(self) -> float | None:
        """Return the ramp that is allowed, None when only the plant limits it."""
        control = self._controls.ruling(DerType.GRADIENTS)
        seconds = control.number("gradient") if control else 0.0
        return self._max_discharge_w / seconds if seconds > 0 else None

    def shape(
        self, command_w: float, grid: GridState, now: Moment, *, lowest_w: float
    ) -> float:
        """Return the command that the controls leave, W.

        Args:
            command_w: what the profiles ask for.
            grid: frequency and voltage now.
            now: the present moment.
            lowest_w: what the vehicle agreed to give, not above 0.
        """
        self.bend = None
        fault = self._service_fault(grid, now)
        shaped_w = clamp(
            command_w + self._droop_w(command_w, grid), lowest_w, self._max_charge_w
        )
        limit = self._controls.ruling(DerType.LIMIT_MAX_DISCHARGE)
        if limit is not None:
            percent = limit.number("pctMaxDischargePower", 100.0)
            floor_w = -share_of(percent, self._max_discharge_w)
            shaped_w = self._raise(shaped_w, floor_w, Bend(type=limit.type))
        if fault is not None:
            shaped_w = self._raise(
                shaped_w, 0.0, Bend(type=DerType.ENTER_SERVICE, fault=fault)
            )
        return shaped_w

    def _raise(self, command_w: float, floor_w: float, bend: Bend) -> float:
        if floor_w - command_w >= SMALLEST_BEND_W:
            self.bend = bend
        return max(command_w, floor_w)

    def _droop_w(self, command_w: float, grid: GridState) -> float:
        """Return what the frequency adds: less export, or more, than asked for."""
        droop = self._controls.ruling(DerType.FREQ_DROOP)
        if droop is None or command_w == 0:
            return 0.0
        over_hz = max(grid.frequency_hz - droop.number("overFreq"), 0.0)
        under_hz = max(droop.number("underFreq") - grid.frequency_hz, 0.0)
        added_w = self._share(over_hz, droop.number("overDroop")) - self._share(
            under_hz, droop.number("underDroop")
        )
        if abs(added_w) >= SMALLEST_BEND_W:
            fault = "OverFrequency" if added_w > 0 else "UnderFrequency"
            self.bend = Bend(type=droop.type, fault=fault)
        return added_w

    def _share(self, deviation_hz: float, droop: float) -> float:
        if deviation_hz == 0 or droop <= 0:
            return 0.0
        per_unit = deviation_hz / NOMINAL_FREQUENCY_HZ / droop
        return per_unit * self._max_discharge_w

    def _service_fault(self, grid: GridState, now: Moment) -> str | None:
        """Return why nothing is exported: the grid is, or was just now, beyond bounds."""
        control = self._controls.ruling(DerType.ENTER_SERVICE)
        fault = None if control is None else _fault_of(grid, control)
        if control is None or fault is not None:
            self._fault, self._is_good_since_mono_s = fault, None
        elif self._fault is not None:
            if self._is_good_since_mono_s is None:
                self._is_good_since_mono_s = now.mono_s
            if now.mono_s - self._is_good_since_mono_s >= control.number("delay"):
                self._fault = None
        return self._fault


def _fault_of(grid: GridState, control: Control) -> str | None:
    """Return which bound of EnterService the grid is beyond."""
    bounds = (
        (grid.frequency_hz > control.number("highFreq"), "OverFrequency"),
        (grid.frequency_hz < control.number("lowFreq"), "UnderFrequency"),
        (grid.voltage_v > control.number("highVoltage"), "OverVoltage"),
        (grid.voltage_v < control.number("lowVoltage"), "UnderVoltage"),
    )
    return next((fault for is_beyond, fault in bounds if is_beyond), None)
