"""What may be asked of a charging station beside power: one class per wish."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
import re
from typing import Any, Final, override

from .certificates import (
    DeleteCertificate,
    InstallCertificate,
    ReadCertificates,
    RevokeCertificate,
)
from .grid_settings import ChangeGridSetting, ClearGridSettings, ReadGridSettings
from .setpoint import WriteResult
from .state import InverterMode

WHOLE_STATION: Final = 0
"""EVSE number of what concerns a station as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Keep an EVSE for somebody; the same number replaces an earlier one (OCPP H01)."""

    reservation_id: int
    evse_id: int
    """``WHOLE_STATION``: any one of them."""

    expires_at: datetime
    token: str
    """What the person will show to the station."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReservation:
    """End a reservation; one that is not there is ended already (OCPP H02)."""

    reservation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAvailability:
    """Take an EVSE or the whole station out of operation, or back (OCPP G03, G04)."""

    evse_id: int
    is_operative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Restart the station (OCPP B11, B12)."""

    is_immediate: bool
    """False: once no transaction runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """Release a plug that is stuck (OCPP F05)."""

    evse_id: int
    connector_id: int = 1


class Telling(StrEnum):
    """What a station can be asked to tell now."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    METER_VALUES = "meter_values"
    TRANSACTION = "transaction"
    LOG_STATUS = "log_status"
    FIRMWARE_STATUS = "firmware_status"
    SIGN_CERTIFICATE = "sign_certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Let the station send a message now (OCPP F06)."""

    what: Telling
    evse_id: int = WHOLE_STATION


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingName:
    """The name of a setting: a variable of a component, or a key of OCPP 1.6.

    Written ``Component[instance]@evse.Variable[instance]``; all but the variable may
    be left out, and a key of 1.6 is a variable alone.
    """

    variable: str
    variable_instance: str | None = None
    component: str = ""
    component_instance: str | None = None
    evse_id: int = WHOLE_STATION

    @override
    def __str__(self) -> str:
        """Return the name as it is written."""
        component = _with_instance(self.component, self.component_instance)
        evse = f"@{self.evse_id}" if self.evse_id else ""
        dot = "." if component or evse else ""
        variable = _with_instance(self.variable, self.variable_instance)
        return f"{component}{evse}{dot}{variable}"


def _with_instance(name: str, instance: str | None) -> str:
    return name if instance is None else f"{name}[{instance}]"


_SETTING: Final = re.compile(
    r"(?:(?P<component>[^.\[\]@]{1,50})(?:\[(?P<component_instance>[^\]]{1,50})\])?"
    r"(?:@(?P<evse_id>[0-9]{1,4}))?\.)?"
    r"(?P<variable>[^.\[\]@]{1,50})(?:\[(?P<variable_instance>[^\]]{1,50})\])?"
)


def setting_name(text: str) -> SettingName | None:
    """Return the name that a text stands for; None when it is none."""
    match = _SETTING.fullmatch(text.strip())
    if match is None:
        return None
    return SettingName(
        variable=match["variable"],
        variable_instance=match["variable_instance"],
        component=match["component"] or "",
        component_instance=match["component_instance"],
        evse_id=int(match["evse_id"] or WHOLE_STATION),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """Read settings (OCPP B06); none named: all that a 1.6 charge point has."""

    names: tuple[SettingName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSetting:
    """Change one setting (OCPP B05)."""

    name: SettingName
    value: str


class LogKind(StrEnum):
    """Logs that a station keeps."""

    DIAGNOSTICS = "diagnostics"
    SECURITY = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLog:
    """Let the station send a log (OCPP N01).

    With an address it goes there and the answer does not wait for it. Without one the
    home itself takes it at an address that works once; the answer then has the
    ``content`` (bytes) and the ``file_name`` that the station chose.
    """

    kind: LogKind
    request_id: int
    url: str | None = None
    oldest_at: datetime | None = None
    latest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallFirmware:
    """Let the station fetch and install a firmware (OCPP L01, L02)."""

    url: str
    retrieve_at: datetime
    request_id: int
    signing_certificate: str | None = None
    """PEM of the maker; None: unsigned."""

    signature: str | None = field(default=None, repr=False)
    """Of the firmware, Base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceLocalList:
    """Replace the list of those who may charge while the home is away (OCPP D01)."""

    version: int
    tokens: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadLocalListVersion:
    """Ask which local list a station has (OCPP D02)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendData:
    """Send a message of a vendor (OCPP P01)."""

    vendor_id: str
    message_id: str | None = None
    data: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStation:
    """Let the station dial another address from its next restart on (OCPP B09)."""

    url: str
    """Without its identity, which it appends."""

    security_profile: int
    slot: int | None = None
    """Where the station keeps it; None: one that is not in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInverterMode:
    """Let the inverter of an EVSE follow the grid, or form one of its own."""

    evse_id: int
    mode: InverterMode


@dataclass(frozen=True, slots=True)
class CheckProfiles:
    """Look at the charging profiles that a station has (OCPP K09).

    The answer has the ``profiles`` (None where a version cannot list them), the
    ``findings`` and ``schedule_w``, what each EVSE plans now.
    """


type StationRequest = (
    Reserve
    | CancelReservation
    | SetAvailability
    | Restart
    | Unlock
    | Tell
    | ReadSettings
    | ChangeSetting
    | SendLog
    | InstallFirmware
    | ReplaceLocalList
    | ReadLocalListVersion
    | SendData
    | CheckProfiles
    | MoveStation
    | SetInverterMode
    | ChangeGridSetting
    | ReadGridSettings
    | ClearGridSettings
    | ReadCertificates
    | InstallCertificate
    | DeleteCertificate
    | RevokeCertificate
)


NOT_OFFERED: Final = "not_offered"
NO_SLOT: Final = "no_free_slot"
NO_INVERTER_MODE: Final = "no_inverter_mode"
NO_ISLANDING_DEVICE: Final = "no_islanding_device"
NO_GRID_SETTINGS: Final = "no_grid_settings"
ILLEGAL_SETTINGS: Final = "settings_not_legal"
NO_UPLOAD_ADDRESS: Final = "no_upload_address"
PROFILE_MISMATCH: Final = "profile_mismatch"
PROFILE_DOWNGRADE: Final = "profile_downgrade"
NOT_SENT: Final = frozenset(
    {
        NOT_OFFERED,
        NO_SLOT,
        NO_INVERTER_MODE,
        NO_ISLANDING_DEVICE,
        NO_GRID_SETTINGS,
        ILLEGAL_SETTINGS,
        NO_UPLOAD_ADDRESS,
        PROFILE_DOWNGRADE,
        PROFILE_MISMATCH,
    }
)
"""Details of an answer that no station gave: nothing was asked of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationAnswer:
    """How a request ended; never None."""

    result: WriteResult
    action: str = ""
    """Name of the OCPP message, for what a person is told about a refusal."""

    data: Mapping[str, Any] = field(default_factory=dict)
    """What the station told, under names of this product."""


OWN_SETTINGS: Final = frozenset(
    name.lower()
    for name in (
        # Without these readings no direction could be proven.
        "TxUpdatedMeasurands",
        "TxUpdatedInterval",
        "MeterValuesSampledData",
        "MeterValueSampleInterval",
        # Secrets and the way in: the flow of the station and its certificates do it.
        "BasicAuthPassword",
        "AuthorizationKey",
        "SecurityProfile",
    )
)
"""Settings that this product keeps itself, by the name of the variable."""


def is_own_setting(name: SettingName) -> bool:
    """Return True for a setting that is not changed by hand."""
    return name.variable.lower() in OWN_SETTINGS
