"""What the station truly did: its power as it was, and the calls as they came in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import itertools
import math
from typing import Any

ZERO_EXPORT_W = 100.0
ZERO_EXPORT_SHARE = 0.02
"""An export up to the larger of the two counts as 0 W (docs: the fail-safe)."""

SETPOINT_CALLS = frozenset({"SetChargingProfile", "UpdateDynamicSchedule"})
"""The calls that may carry a setpoint."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The true power of the plant at one moment; positive into the vehicle."""

    mono_s: float
    power_w: float

    @property
    def export_w(self) -> float:
        """Return what flows out of the vehicle, 0 while it charges."""
        return max(0.0, -self.power_w)


@dataclass(frozen=True, slots=True)
class Call:
    """One OCPP call at the station."""

    mono_s: float
    action: str
    payload: Mapping[str, Any]
    id: str = ""
    """Message id, which the answer repeats."""

    @property
    def setpoint_w(self) -> float | None:
        """Return the setpoint that the call carries, None when it carries none.

        A TxDefaultProfile is the floor under the setpoints and not one itself.
        """
        if self.action == "UpdateDynamicSchedule":
            return _as_number(self.payload.get("scheduleUpdate", {}).get("setpoint"))
        if self.action != "SetChargingProfile":
            return None
        profile = self.payload.get("chargingProfile", {})
        if profile.get("chargingProfilePurpose") != "TxProfile":
            return None
        schedule = (profile.get("chargingSchedule") or [{}])[0]
        period = (schedule.get("chargingSchedulePeriod") or [{}])[0]
        return _as_number(period.get("setpoint"))


def zero_export_w(rating_w: float) -> float:
    """Return the export below which a plant of this rating is at 0 W."""
    return max(ZERO_EXPORT_W, ZERO_EXPORT_SHARE * rating_w)


@dataclass(slots=True)
class Measured:
    """Samples and calls of one station, in the order of their times."""

    samples: list[Sample] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    sent: list[Call] = field(default_factory=list)
    """The calls that the station made."""

    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the station answered, by message id."""

    link_ends: list[float] = field(default_factory=list)
    """When the station's link to its central system closed."""

    @property
    def power_w(self) -> float:
        """Return the newest true power, NaN when there is none."""
        return self.samples[-1].power_w if self.samples else math.nan

    def samples_since(self, mono_s: float) -> list[Sample]:
        """Return the samples from a moment on."""
        return list(_newest(self.samples, mono_s))

    def calls_since(
        self, mono_s: float, actions: Iterable[str] = SETPOINT_CALLS
    ) -> list[Call]:
        """Return the received calls of some actions from a moment on."""
        wanted = frozenset(actions)
        return [call for call in _newest(self.calls, mono_s) if call.action in wanted]

    def setpoints_since(self, mono_s: float) -> list[Call]:
        """Return the received calls that carry a setpoint, from a moment on."""
        return [c for c in self.calls_since(mono_s) if c.setpoint_w is not None]

    def first_towards(
        self, mono_s: float, power_w: float, step_w: float
    ) -> float | None:
        """Return when a setpoint first came nearer to a power, None if none did.

        Args:
            mono_s: nothing earlier counts.
            power_w: what was asked for.
            step_w: by how much the setpoint must come nearer than the one before.
        """
        before_w = 0.0
        for call in self.setpoints_since(0):
            setpoint_w = call.setpoint_w or 0.0
            gained_w = abs(power_w - before_w) - abs(power_w - setpoint_w)
            if call.mono_s >= mono_s and gained_w >= step_w:
                return call.mono_s
            before_w = setpoint_w
        return None

    def zero_since(self, mono_s: float, threshold_w: float) -> float | None:
        """Return from when on the export stayed at 0 W, None if it does not now.

        Args:
            mono_s: nothing earlier is looked at.
            threshold_w: the export that counts as none.
        """
        found = None
        for sample in self.samples_since(mono_s):
            if sample.export_w > threshold_w:
                found = None
            elif found is None:
                found = sample.mono_s
        return found

    def reached(
        self, mono_s: float, power_w: float, tolerance_w: float
    ) -> float | None:
        """Return when the power first came within the tolerance, None if it did not."""
        for sample in self.samples_since(mono_s):
            if abs(sample.power_w - power_w) <= tolerance_w:
                return sample.mono_s
        return None

    def export_wh(self, mono_s: float, threshold_w: float = 0.0) -> float:
        """Return the energy that flowed out from a moment on.

        Args:
            mono_s: when to begin.
            threshold_w: an export up to this is meter noise and not counted.
        """
        samples = self.samples_since(mono_s)
        total_ws = 0.0
        for before, after in itertools.pairwise(samples):
            mean_w = (before.export_w + after.export_w) / 2
            if mean_w > threshold_w:
                total_ws += mean_w * (after.mono_s - before.mono_s)
        return total_ws / 3600


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _newest[T: (Sample, Call)](items: list[T], mono_s: float) -> Iterable[T]:
    first = len(items)
    while first and items[first - 1].mono_s >= mono_s:
        first -= 1
    return items[first:]
