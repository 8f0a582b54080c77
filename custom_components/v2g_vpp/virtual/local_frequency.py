"""Power that follows the grid: LocalFrequency and the aFRR signal (OCPP 2.1 Q08)."""

from dataclasses import dataclass, replace
from datetime import datetime

from ..domain.units import hertz_to_millihertz
from .composition import OperatingPoint
from .device_model import DeviceModel
from .schedule import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    """One signal of the transmission operator."""

    at: datetime
    value: int


class LocalFrequency:
    """Turns a curve into the setpoint of the moment; keeps the signals that came."""

    def __init__(self, evse_id: int, model: DeviceModel) -> None:
        """Start without a signal; the model says which change is worth a look."""
        self._evse_id, self._model = evse_id, model
        self._signals: tuple[_Signal, ...] = ()
        self._held_hz: float | None = None

    def take_signal(
        self, point: OperatingPoint, timestamp: datetime, value: int
    ) -> bool:
        """Keep a signal until its time; return False when nothing follows one."""
        if point.response is None or not point.response.signal.points:
            return False
        kept = (each for each in self._signals if each.at < timestamp)
        self._signals = (*kept, _Signal(at=timestamp, value=value))
        return True

    def resolve(
        self, point: OperatingPoint, frequency_hz: float, now: Moment
    ) -> OperatingPoint:
        """Return the point with the setpoint that grid and signal ask for now."""
        response = point.response
        if response is None:
            self._signals, self._held_hz = (), None
            return point
        held_hz = self._held_hz
        if held_hz is None or self._is_worth_it(frequency_hz - held_hz):
            held_hz = self._held_hz = frequency_hz
        setpoint_w = response.baseline_w + response.frequency.at(held_hz)
        begun = [each for each in self._signals if each.at <= now.at]
        if begun and response.signal.points:
            setpoint_w += response.signal.at(begun[-1].value)
        return replace(point, setpoint_w=setpoint_w)

    def _is_worth_it(self, change_hz: float) -> bool:
        threshold_mhz = self._model.text(
            "V2XChargingCtrlr", "LocalFrequencyUpdateThreshold", evse_id=self._evse_id
        )
        return hertz_to_millihertz(abs(change_hz)) >= int(threshold_mhz)
