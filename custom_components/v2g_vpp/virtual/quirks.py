"""What some chargers refuse although the text of OCPP allows it."""

from collections.abc import Set as AbstractSet

from .config import Fault
from .profile_rules import Rejection
from .schedule import NOMINAL_VOLTAGE_V, WireObject

_NO_ZERO = Rejection(reason_code="InvalidSchedule", detail="0 is no power")
_TOO_SMALL = Rejection(reason_code="InvalidSchedule", detail="below the minimum")


def reason_to_dislike(
    faults: AbstractSet[Fault], minimum_w: float, profile: WireObject
) -> Rejection | None:
    """Return why this charger takes no profile that the rules would allow.

    Args:
        faults: misbehaviours of the station.
        minimum_w: the smallest power of its plant.
        profile: in 2.x form.
    """
    if profile["chargingProfilePurpose"] != "TxProfile":
        return None
    schedule = profile["chargingSchedule"][0]
    if schedule["chargingRateUnit"] == "A":
        minimum_w /= NOMINAL_VOLTAGE_V
    period = schedule["chargingSchedulePeriod"][0]
    return reason_to_dislike_power(faults, minimum_w, period)


def reason_to_dislike_power(
    faults: AbstractSet[Fault], minimum: float, values: WireObject
) -> Rejection | None:
    """Return why this charger does not take the values of a period or an update."""
    told = [values[name] for name in ("setpoint", "limit") if name in values]
    if Fault.REFUSE_ZERO in faults and 0 in told:
        return _NO_ZERO
    is_small = any(0 < abs(value) < minimum for value in told)
    return _TOO_SMALL if is_small and Fault.REFUSE_SMALL in faults else None
