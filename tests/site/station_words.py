"""What a simulated charging station says and is asked, as values."""

from dataclasses import dataclass, field
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


@dataclass(slots=True, kw_only=True)
class Script:
    """How a station behaves, and what it was asked for."""

    answer: Answer = Answer.ACCEPT
    answer_s: float = 0.02
    start_answer: Answer = Answer.ACCEPT
    start_s: float = 2.0  # from the accepted start to the transaction

    ignores_stops: bool = False
    ignores_end: bool = False
    ignores_inoperative: bool = False
    ignores_reset: bool = False
    is_reversed: bool = False
    scale: float = 1.0  # of the power that it makes of a command
    has_meter: bool = True
    validity_s: float | None = None  # of its own dead-man; None: that of its dialect
    is_asleep: bool = False  # takes every command, and nothing flows
    starts_by_itself: bool = True  # begins a transaction at a plug

    told_w: float = 0.0  # by the last write that it accepted
    writes: list[Write] = field(default_factory=list)
    powers_w: list[tuple[float, float]] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)  # when asked for
    availability: list[tuple[float, bool]] = field(default_factory=list)
    """When it was taken out of operation (False) and back (True)."""

    resets: list[float] = field(default_factory=list)
    closed: list[float] = field(default_factory=list)
    """When the home closed the link."""

    is_operative: bool = True
    started: list[float] = field(default_factory=list)  # when asked for
    allowed: list[bool] = field(default_factory=list)
    plans: float | None = 1.0  # share of the command in its schedule, None: refuses
    asked: list[float] = field(default_factory=list)  # for its schedule
    cleared: int = 0

    def obey(self, *, is_obeying: bool) -> None:
        """Follow every way to stop again, or none of them."""
        self.ignores_stops = self.ignores_end = not is_obeying
        self.ignores_inoperative = self.ignores_reset = not is_obeying


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
