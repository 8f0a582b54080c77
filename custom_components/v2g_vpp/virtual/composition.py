"""What a station does with the profiles that lead now (OCPP 2.1 SC.01, K08)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..domain.units import clamp
from .schedule import (
    SETPOINT_MODES,
    FrequencyResponse,
    OperationMode,
    Period,
    Schedule,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What the leading profiles ask for together, W, positive into the vehicle."""

    mode: OperationMode = OperationMode.CHARGING_ONLY
    setpoint_w: float | None = None
    limit_w: float | None = None
    """None: charging without limit, which is what no profile at all means."""

    discharge_limit_w: float | None = None
    """Not above 0; None: down to the nameplate."""

    profile_id: int | None = None
    is_evse_asleep: bool = False
    response: FrequencyResponse | None = None
    """Set while the power follows the grid; the setpoint comes from it."""

    def command_w(
        self, max_charge_w: float, max_discharge_w: float, *, is_bidirectional: bool
    ) -> float:
        """Return the power that the charger is told.

        Args:
            max_charge_w: nameplate, W.
            max_discharge_w: nameplate, positive magnitude, W.
            is_bidirectional: whether the vehicle agreed to give power.
        """
        highest_w = max_charge_w if self.limit_w is None else self.limit_w
        lowest_w = -max_discharge_w
        if self.discharge_limit_w is not None:
            lowest_w = max(lowest_w, self.discharge_limit_w)
        if self.mode is OperationMode.IDLE:
            return 0.0
        follows = self.mode in SETPOINT_MODES or self.response is not None
        if follows and self.setpoint_w is not None:
            # A cap on charging is no cap on discharging: the lower number wins.
            wanted_w = min(max(self.setpoint_w, lowest_w), highest_w)
        else:
            wanted_w = highest_w
        return clamp(
            wanted_w, -max_discharge_w if is_bidirectional else 0.0, max_charge_w
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The period that leads for one purpose now."""

    profile_id: int
    schedule: Schedule
    period: Period

    def watts(self, value: float | None, phases: int) -> float | None:
        """Return one value of the period as W at this station."""
        if value is None:
            return None
        return self.schedule.watts(self.period, value, phases)


def compose(
    session: Leader | None, caps: Iterable[Leader], phases: int, *, share: float = 1.0
) -> OperatingPoint:
    """Return what the leader of the session and the caps of the station give.

    Args:
        session: leading TxProfile, or TxDefaultProfile where there is none.
        caps: leading station maximum and external constraint, those that there are.
        phases: how many phases the EVSE has.
        share: of the caps that this EVSE may use; house rule: those with a
            transaction share alike.
    """
    point = OperatingPoint()
    if session is not None:
        period = session.period
        point = OperatingPoint(
            mode=period.mode,
            setpoint_w=session.watts(period.setpoint, phases),
            limit_w=session.watts(period.limit, phases),
            discharge_limit_w=session.watts(period.discharge_limit, phases),
            profile_id=session.profile_id,
            is_evse_asleep=period.is_evse_asleep,
            response=period.response
            if period.mode is OperationMode.LOCAL_FREQUENCY
            else None,
        )
    limit_w, discharge_limit_w = point.limit_w, point.discharge_limit_w
    for cap in caps:
        limit_w = _lower(limit_w, _scaled(cap.watts(cap.period.limit, phases), share))
        cap_w = _scaled(cap.watts(cap.period.discharge_limit, phases), share)
        if cap_w is not None:
            discharge_limit_w = max(
                cap_w, discharge_limit_w if discharge_limit_w is not None else cap_w
            )
    return replace(point, limit_w=limit_w, discharge_limit_w=discharge_limit_w)


def _scaled(value_w: float | None, share: float) -> float | None:
    return None if value_w is None else value_w * share


def _lower(first_w: float | None, second_w: float | None) -> float | None:
    if first_w is None or second_w is None:
        return second_w if first_w is None else first_w
    return min(first_w, second_w)
