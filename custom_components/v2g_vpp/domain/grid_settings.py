"""Grid settings of an inverter (OCPP R04), and the record of who changed which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

CURVES: Final = (
    "FreqWatt",
    "HFMustTrip",
    "HFMayTrip",
    "HVMustTrip",
    "HVMomCess",
    "HVMayTrip",
    "LFMustTrip",
    "LVMustTrip",
    "LVMomCess",
    "LVMayTrip",
    "PowerMonitoringMustTrip",
    "VoltVar",
    "VoltWatt",
    "WattPF",
    "WattVar",
)
FIELDS: Final[Mapping[str, str]] = {
    "EnterService": "enterService",
    "FreqDroop": "freqDroop",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
    **dict.fromkeys(CURVES, "curve"),
}
"""Kinds of settings, with the one field of a message that each of them has."""

KEPT_NOTES: Final = 200
"""House rule: years of a home, whose settings change when its grid does."""

SHOWN_NOTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeGridSetting:
    """Give an inverter a grid setting; the same number replaces an earlier one."""

    control_id: str
    kind: str
    """One of ``FIELDS``."""

    settings: Mapping[str, Any]
    """As OCPP names them; ``priority`` among them."""

    is_default: bool
    """True holds always, False for the time that the settings name."""

    asked_by: str | None = None
    """Who asked, by the number that Home Assistant gives a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadGridSettings:
    """Read grid settings; the answer has the ``settings``, a list."""

    kind: str | None = None
    control_id: str | None = None
    is_default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearGridSettings:
    """Take grid settings back: one by its number, those of a kind, or all."""

    is_default: bool
    kind: str | None = None
    control_id: str | None = None
    asked_by: str | None = None


type GridChange = ChangeGridSetting | ClearGridSettings


class GridEvent(StrEnum):
    """What happened to a grid setting."""

    SET = "set"
    CLEARED = "cleared"
    REFUSED = "refused"
    STARTED = "started"
    STOPPED = "stopped"
    ALARM = "alarm"
    ALARM_ENDED = "alarm_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridNote:
    """One line of the record."""

    number: int
    """Counts from 1 and never again."""

    at: datetime
    """UTC, by the clock of the home."""

    event: GridEvent
    kind: str = ""
    control_id: str = ""
    is_default: bool | None = None
    asked_by: str | None = None
    """None: the station did it by itself."""

    before: tuple[Mapping[str, Any], ...] | None = None
    """What held of that kind; None when the station did not tell."""

    after: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    """What the station answered, or the fault of the grid."""
