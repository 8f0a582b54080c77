"""What some chargers refuse although the text of OCPP allows it."""

from collections.abc import Set as AbstractSet

from .config import Fault
from .profile_rules import Rejection
from .schedule import WireObject

_NO_ZERO = Rejection(reason_code="InvalidSchedule", detail="0 is no power")


def reason_to_dislike(
    faults: AbstractSet[Fault], profile: WireObject
) -> Rejection | None:
    """Return why this charger takes no profile that the rules would allow."""
    if profile["chargingProfilePurpose"] != "TxProfile":
        return None
    period = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    return reason_to_dislike_power(faults, period)


def reason_to_dislike_power(
    faults: AbstractSet[Fault], values: WireObject
) -> Rejection | None:
    """Return why this charger does not take the values of a period or an update."""
    is_zero = 0 in (values.get("setpoint"), values.get("limit"))
    return _NO_ZERO if is_zero and Fault.REFUSE_ZERO in faults else None
