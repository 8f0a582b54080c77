"""What the tester of an aggregator says, and what the played home is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .enrolling import Enrolled
from .home_options import Hook
from .wire import Json

FEATURES = (
    *("setpoint", "limit", "release", "dry_run", "clock", "group", "event"),
    *("start_spread", "report"),
)
RESOURCE = "CONFORMANCE/1"
POWER_W = 5000
ENERGY_WH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerOptions:
    """What the tester says, and what the enrolment gave."""

    invitation: Json
    enrolled: Enrolled
    host: str
    port: int
    patience_s: float = 60.0
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """``command``, ``cancel``, ``event``: make the aggregator send one to this home;
    ``restart``: starts it anew."""


PLATE: Json = {
    "resource": RESOURCE,
    "max_charge_power_w": POWER_W,
    "max_discharge_power_w": POWER_W,
    "minimum_power_w": 0,
    "fingerprint": {
        "dead_time_s": 1.0,
        "ramp_w_per_s": 1000.0,
        "resolution_w": 1,
        "is_measured": False,
    },
    "setpoint_interval_s": 1.0,
    "deadman_s": 20.0,
    "failsafe_s": 30.0,
    "guarantee": "none",
    "metering_point": "evse",
    "meter_class": "evse_internal",
}
