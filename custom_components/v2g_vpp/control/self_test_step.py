"""What one step of the self-test is given, and what it says."""

from dataclasses import dataclass
from datetime import datetime

from ..domain.capability import Fingerprint, Proof
from ..domain.self_test import SelfTestStatus
from ..domain.session import EvseSession
from ..domain.setpoint import Setpoint
from .wiring_watch import WiringLook


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestInputs:
    """What one step of the test is given."""

    session: EvseSession
    setpoint: Setpoint
    """Of the tick before, after the output gate."""

    last_write_mono_s: float | None
    """When the last accepted write left for the station."""

    now_utc: datetime
    meter_period_s: float = 1.0
    """How often the outlet's meter reports."""

    wiring: WiringLook | None = None
    """What the meter of the home saw of the outlet; None: the home has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestOutput:
    """What the test asks for, and its outcome once it has one."""

    power_w: float | None
    """None when the test is over."""

    is_withholding: bool
    status: SelfTestStatus
    proof: Proof | None = None
    fingerprint: Fingerprint | None = None
    is_end_missing: bool = False
    """True once it was seen to go on by itself, however the test ends."""
