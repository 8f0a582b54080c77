"""The one place where the product's errors become Home Assistant's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.exceptions import (
    ConfigEntryError,
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)

from .const import DOMAIN
from .domain.errors import (
    AuthorityInvalid,
    BrokerRefusedLogin,
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInUse,
    CertificateInvalid,
    ControlTaken,
    DischargeNotPermitted,
    DischargeTooLong,
    EmergencyStopActive,
    EventUnknown,
    InvitationInvalid,
    LedgerNotWritten,
    ListenerCertificate,
    ListenerError,
    MeterSilent,
    NothingPlugged,
    OptOutOver,
    OutOfOperation,
    PkiError,
    PlanInvalid,
    PolicyError,
    PowerNotAvailable,
    PowerOutOfRange,
    RehearsalRefused,
    RequestNotSent,
    SettingProtected,
    SocReached,
    StationError,
    StationOffline,
    StationRejected,
    StationTimeout,
    StoreNewer,
    StoreUnreadable,
    UnknownProgramme,
    UnknownTarget,
    V2gError,
    VppError,
)
from .domain.setpoint import Reason
from .text_keys import (
    AUTHORITY,
    BLOCKED,
    NO_REHEARSAL,
    NOT_SENT,
    NOT_SUPPORTED,
    PLAN,
    TLS,
)

type _Values = dict[str, str]


def _no_values(_err: Any) -> _Values:
    return {}


def _station(err: StationError) -> _Values:
    return {"station": err.station_id}


def _broker(err: BrokerUnreachable | BrokerRefusedTls) -> _Values:
    return {"host": err.host, "port": str(err.port)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """How one class of errors is told to a person."""

    error: type[HomeAssistantError]
    key: str
    values: Callable[[Any], _Values] = _no_values


# A mistake of the person who asked is a validation error, which is not logged as a
# failure; what a device did is not.
TRANSLATIONS: Final[Mapping[type[V2gError], Translation]] = {
    V2gError: Translation(error=HomeAssistantError, key="failed"),
    StationError: Translation(
        error=HomeAssistantError, key="station_failed", values=_station
    ),
    StationOffline: Translation(
        error=HomeAssistantError, key="station_offline", values=_station
    ),
    StationRejected: Translation(
        error=HomeAssistantError,
        key="station_rejected",
        values=lambda err: {
            **_station(err),
            "action": err.action,
            "detail": err.detail or "-",
        },
    ),
    StationTimeout: Translation(
        error=HomeAssistantError,
        key="station_timeout",
        values=lambda err: {
            **_station(err),
            "action": err.action,
            "seconds": f"{err.timeout_s:.0f}",
        },
    ),
    # The key is chosen by the reason, see below.
    RequestNotSent: Translation(
        error=ServiceValidationError, key="not_sent", values=_station
    ),
    UnknownTarget: Translation(
        error=ServiceValidationError,
        key="unknown_target",
        values=lambda err: {**_station(err), "target": err.target},
    ),
    ListenerError: Translation(
        error=ConfigEntryNotReady,
        key="port_taken",
        values=lambda err: {"port": str(err.port), "detail": err.detail},
    ),
    ListenerCertificate: Translation(
        error=ConfigEntryNotReady,
        key="listener_certificate",
        values=lambda err: {"port": str(err.port), "detail": err.detail},
    ),
    StoreUnreadable: Translation(
        error=ConfigEntryError,
        key="store_unreadable",
        values=lambda err: {"store": err.store},
    ),
    StoreNewer: Translation(
        error=ConfigEntryError,
        key="store_newer",
        values=lambda err: {"store": err.store},
    ),
    LedgerNotWritten: Translation(
        error=HomeAssistantError,
        key="ledger_not_written",
        values=lambda err: {"path": err.path, "detail": err.detail},
    ),
    VppError: Translation(error=HomeAssistantError, key="vpp_failed"),
    BrokerUnreachable: Translation(
        error=HomeAssistantError, key="broker_unreachable", values=_broker
    ),
    # The key is chosen by the fault, see below.
    BrokerRefusedTls: Translation(
        error=HomeAssistantError, key="tls_other", values=_broker
    ),
    BrokerRefusedLogin: Translation(
        error=HomeAssistantError,
        key="broker_refused_login",
        values=lambda err: {"reason": err.reason},
    ),
    UnknownProgramme: Translation(
        error=ServiceValidationError,
        key="unknown_programme",
        values=lambda err: {"programme": err.programme_id},
    ),
    InvitationInvalid: Translation(
        error=ServiceValidationError,
        key="invitation_invalid",
        values=lambda err: {"field": err.field},
    ),
    # The key is chosen by the reason, see below.
    RehearsalRefused: Translation(
        error=ServiceValidationError, key="rehearsal_running"
    ),
    PkiError: Translation(error=HomeAssistantError, key="pki_failed"),
    CertificateInvalid: Translation(
        error=ServiceValidationError,
        key="certificate_invalid",
        values=lambda err: {"reason": err.reason},
    ),
    # The key is chosen by the reason, see below.
    AuthorityInvalid: Translation(
        error=ServiceValidationError,
        key="authority_unusable",
        values=lambda err: {"reason": err.reason},
    ),
    PolicyError: Translation(error=ServiceValidationError, key="not_allowed"),
    DischargeNotPermitted: Translation(
        error=ServiceValidationError,
        key="discharge_not_permitted",
        values=lambda err: {"reason": err.reason},
    ),
    MeterSilent: Translation(
        error=ServiceValidationError,
        key="meter_silent",
        values=lambda err: {"evse": err.evse},
    ),
    PowerNotAvailable: Translation(
        error=ServiceValidationError,
        key="power_not_available",
        values=lambda err: {"reason": err.reason},
    ),
    DischargeTooLong: Translation(
        error=ServiceValidationError,
        key="discharge_too_long",
        values=lambda err: {"minutes": f"{err.longest_s / 60:.0f}"},
    ),
    SocReached: Translation(
        error=ServiceValidationError,
        key="soc_reached",
        values=lambda err: {
            "soc": f"{err.soc_percent:.0f}",
            "until": f"{err.until_percent:.0f}",
        },
    ),
    PowerOutOfRange: Translation(
        error=ServiceValidationError,
        key="power_out_of_range",
        values=lambda err: {
            "power": f"{err.power_w:.0f}",
            "lowest": f"{err.lowest_w:.0f}",
            "highest": f"{err.highest_w:.0f}",
        },
    ),
    NothingPlugged: Translation(
        error=ServiceValidationError,
        key="nothing_plugged",
        values=lambda err: {"evse": err.evse},
    ),
    EmergencyStopActive: Translation(
        error=ServiceValidationError,
        key="emergency_stop_active",
        values=lambda err: {"evse": err.evse},
    ),
    ControlTaken: Translation(
        error=ServiceValidationError,
        key="control_taken",
        values=lambda err: {"evse": err.evse, "holder": err.holder},
    ),
    EventUnknown: Translation(error=ServiceValidationError, key="event_unknown"),
    OptOutOver: Translation(
        error=ServiceValidationError,
        key="opt_out_over",
        values=lambda err: {"event": err.event_id},
    ),
    # The key is chosen by the reason, see below.
    PlanInvalid: Translation(error=ServiceValidationError, key="plan_slots_not_legal"),
    OutOfOperation: Translation(
        error=ServiceValidationError,
        key="out_of_operation",
        values=lambda err: {"evse": err.evse},
    ),
    SettingProtected: Translation(
        error=ServiceValidationError,
        key="setting_protected",
        values=lambda err: {"setting": err.setting},
    ),
    CertificateInUse: Translation(
        error=ServiceValidationError,
        key="certificate_in_use",
        values=lambda err: {"station": err.station_id, "serial": err.serial_number},
    ),
}

_REASONS: Final = frozenset(Reason)


def translated(err: V2gError) -> HomeAssistantError:
    """Return the error for the user interface, with what to do about it."""
    found = next(TRANSLATIONS[base] for base in type(err).mro() if base in TRANSLATIONS)
    key, values = found.key, found.values(err)
    if isinstance(err, DischargeNotPermitted | PowerNotAvailable):
        # A slug says nothing to a person; every gate has a sentence of its own.
        key = BLOCKED.get(Reason(err.reason), key) if err.reason in _REASONS else key
    elif isinstance(err, BrokerRefusedTls):
        key = TLS[err.fault]
    elif isinstance(err, StationRejected):
        key = NOT_SUPPORTED.get(err.detail or "", key)
    elif isinstance(err, RequestNotSent):
        key = NOT_SENT.get(err.reason, key)
    elif isinstance(err, RehearsalRefused):
        key = NO_REHEARSAL.get(err.reason, key)
    elif isinstance(err, PlanInvalid):
        key = PLAN.get(err.reason, key)
    elif isinstance(err, AuthorityInvalid):
        key = AUTHORITY.get(err.reason, key)
    return found.error(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=values,
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Let errors of the product leave the block as Home Assistant's."""
    try:
        yield
    except V2gError as err:
        raise translated(err) from err
