"""One grid setting of a CSMS (OCPP 2.1 R04)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ..schedule import WireObject, parse_time


class DerType(StrEnum):
    """The settings that this station has."""

    ENTER_SERVICE = "EnterService"
    FREQ_DROOP = "FreqDroop"
    FIXED_PF_ABSORB = "FixedPFAbsorb"
    FIXED_PF_INJECT = "FixedPFInject"
    GRADIENTS = "Gradients"
    LIMIT_MAX_DISCHARGE = "LimitMaxDischarge"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireForm:
    """How a setting stands in the messages."""

    field: str
    """Of SetDERControl, and of the lists in ReportDERControl."""

    inner: str
    """Of one element of such a list."""

    is_told_with_state: bool = True
    """The element says whether it is a default and whether it is superseded."""


FORMS: Final = {
    DerType.ENTER_SERVICE: WireForm(
        field="enterService", inner="enterService", is_told_with_state=False
    ),
    DerType.FREQ_DROOP: WireForm(field="freqDroop", inner="freqDroop"),
    DerType.FIXED_PF_ABSORB: WireForm(field="fixedPFAbsorb", inner="fixedPF"),
    DerType.FIXED_PF_INJECT: WireForm(field="fixedPFInject", inner="fixedPF"),
    DerType.GRADIENTS: WireForm(
        field="gradient", inner="gradient", is_told_with_state=False
    ),
    DerType.LIMIT_MAX_DISCHARGE: WireForm(
        field="limitMaxDischarge", inner="limitMaxDischarge"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A setting with its place in time and rank."""

    control_id: str
    type: DerType
    is_default: bool
    settings: WireObject
    start_at: datetime | None
    """None: from the moment it came."""

    end_at: datetime | None
    """None: it does not end by itself."""

    is_superseded: bool = False
    is_started: bool = False
    """Of a scheduled one: its start was told."""

    @property
    def rank(self) -> int:
        """Lower goes first (R04.FR.03)."""
        rank: int = self.settings["priority"]
        return rank

    def number(self, name: str, otherwise: float = 0.0) -> float:
        """Return one number of the settings."""
        return float(self.settings.get(name, otherwise))

    def is_due(self, at: datetime) -> bool:
        """Return True from its start on."""
        return self.start_at is None or self.start_at <= at

    def is_over(self, at: datetime) -> bool:
        """Return True when its time has passed."""
        return self.end_at is not None and self.end_at <= at

    def report(self) -> dict[str, Any]:
        """Return it as an element of ReportDERControl."""
        form = FORMS[self.type]
        told: dict[str, Any] = {"id": self.control_id, form.inner: dict(self.settings)}
        if form.is_told_with_state:
            told["isDefault"] = self.is_default
            told["isSuperseded"] = self.is_superseded
        return told


def parse_control(
    control_id: str, control_type: DerType, settings: WireObject, *, is_default: bool
) -> Control:
    """Return the control of a payload that its JSON schema accepted.

    Raises:
        ValueError: for a time that cannot be read.
    """
    start = settings.get("startTime")
    start_at = None if start is None else parse_time(start)
    duration_s = settings.get("duration")
    return Control(
        control_id=control_id,
        type=control_type,
        is_default=is_default,
        settings=settings,
        start_at=start_at,
        end_at=start_at + timedelta(seconds=duration_s)
        if start_at is not None and duration_s is not None
        else None,
    )
