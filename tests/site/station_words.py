"""What a simulated charging station says and is asked, as values."""

from dataclasses import dataclass
from enum import Enum, auto

from custom_components.v2g_vpp.domain.capability import EvCapability
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from tests.fakes import FakeClock

ANSWER_TIMEOUT_S = 5.0
"""A control CALL without an answer by then has failed."""

NEEDS = EvCapability(
    is_bidirectional=True,
    can_be_bidirectional=True,
    max_charge_power_w=11_000.0,
    max_discharge_power_w=11_000.0,
)


class Answer(Enum):
    """How the station answers commands."""

    ACCEPT = auto()
    REJECT = auto()
    SILENT = auto()


@dataclass(slots=True, kw_only=True)
class Write:
    """One write as it reached the port."""

    power_w: float
    at_mono_s: float
    decided_mono_s: float
    is_renewal: bool
    is_accepted: bool


def measured_by(clock: FakeClock, **values: float) -> Measurement:
    """Return readings that were taken just now, by the name of their field."""
    return Measurement(
        **{
            name: Reading(
                value=value,
                received_mono_s=clock.monotonic(),
                taken_at=clock.utcnow(),
            )
            for name, value in values.items()
        }
    )
