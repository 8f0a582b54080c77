"""The one tree of errors; the shell translates each class in one place.

V2gError
├── StationError                (station_id)
│   ├── StationOffline          not connected
│   ├── StationRejected         the station said no (action, detail)
│   ├── StationTimeout          no answer in time (action, timeout_s)
│   ├── RequestNotSent          nothing was asked of the station (reason)
│   └── UnknownTarget           no such station, EVSE or transaction (target)
├── ListenerError               the OCPP port cannot be opened (port, detail)
│   └── ListenerCertificate     the owner's certificate cannot be used (port, detail)
├── StoreUnreadable             persisted state cannot be read (store)
├── LedgerNotWritten            the disk refuses the ledger (path, detail)
├── VppError
│   ├── BrokerUnreachable       no TCP connection (host, port)
│   ├── BrokerRefusedTls        TLS handshake failed (host, port, reason)
│   ├── BrokerRefusedLogin      MQTT CONNECT refused (reason)
│   ├── InvitationInvalid       the pasted invitation cannot be used (field)
│   ├── RehearsalRefused        it would disturb a dispatch (reason)
│   └── UnknownProgramme        no such programme, or it keeps no ledger
├── PkiError
│   └── CertificateInvalid      a certificate or key cannot be used (reason)
│       └── AuthorityInvalid    a station cannot be given this authority (reason)
└── PolicyError
    ├── DischargeNotPermitted   a gate forbids discharge (reason)
    ├── PowerNotAvailable       a limit leaves nothing of what was asked (reason)
    ├── DischargeTooLong        no end of its own, so only for a while (longest_s)
    ├── SocReached              the vehicle holds that already (soc, until)
    ├── PowerOutOfRange         (power_w, lowest_w, highest_w)
    ├── NothingPlugged          no EV at this EVSE
    ├── EmergencyStopActive     latched; reset it first
    ├── ControlTaken            another automation holds the lease (evse, holder)
    ├── PlanInvalid             the slots are no plan (reason)
    ├── OutOfOperation          kept so until a fault is acknowledged
    ├── EventUnknown            no such event that could be left (event_id)
    ├── OptOutOver              too late to leave this event (event_id)
    ├── SettingProtected        this product keeps the setting itself (setting)
    └── CertificateInUse        a station needs it to come back (station_id, serial)
"""

from enum import StrEnum


class V2gError(Exception):
    """Base of every error that this product raises on purpose."""


class StationError(V2gError):
    """Something about one charging station."""

    def __init__(self, station_id: str, message: str) -> None:
        """Keep the identity of the station beside the message."""
        super().__init__(f"{station_id}: {message}")
        self.station_id = station_id


class StationOffline(StationError):
    """Raise when a command needs a station that is not connected."""

    def __init__(self, station_id: str) -> None:
        """Name the station."""
        super().__init__(station_id, "not connected")


class StationRejected(StationError):
    """Raise when the station refused a command."""

    def __init__(self, station_id: str, action: str, detail: str) -> None:
        """Keep the OCPP action and the status or error code that came back."""
        super().__init__(station_id, f"{action} refused: {detail}")
        self.action = action
        self.detail = detail


class StationTimeout(StationError):
    """Raise when the station did not answer a command in time."""

    def __init__(self, station_id: str, action: str, timeout_s: float) -> None:
        """Keep the OCPP action and the deadline that passed."""
        super().__init__(station_id, f"{action} unanswered for {timeout_s:.0f} s")
        self.action = action
        self.timeout_s = timeout_s


class RequestNotSent(StationError):
    """Raise when a request could not be said to the station, so it was not."""

    def __init__(self, station_id: str, reason: str) -> None:
        """Keep why."""
        super().__init__(station_id, f"nothing was sent: {reason}")
        self.reason = reason


class UnknownTarget(StationError):
    """Raise for a station, EVSE or transaction that this home does not have."""

    def __init__(self, station_id: str, target: str) -> None:
        """Keep what was asked for."""
        super().__init__(station_id, f"{target} is unknown")
        self.target = target


class ListenerError(V2gError):
    """Raise when the OCPP listener cannot be opened."""

    def __init__(self, port: int, detail: str) -> None:
        """Keep the port that is taken or forbidden."""
        super().__init__(f"port {port}: {detail}")
        self.port = port
        self.detail = detail


class ListenerCertificate(ListenerError):
    """Raise when the files of the listener's own certificate cannot be used."""


class StoreUnreadable(V2gError):
    """Raise when persisted state exists and cannot be read."""

    def __init__(self, store: str) -> None:
        """Keep the name of the store."""
        super().__init__(f"store {store} cannot be read")
        self.store = store


class StoreNewer(StoreUnreadable):
    """Raise when persisted state was written by a newer version: it stays untouched."""


class LedgerNotWritten(V2gError):
    """Raise when the ledger of a programme cannot be read or written."""

    def __init__(self, path: str, detail: str) -> None:
        """Name the file and what the disk says."""
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class VppError(V2gError):
    """Something about the link to an aggregator."""


class TlsFault(StrEnum):
    """Why a TLS 1.3 handshake with client certificates failed."""

    CERTIFICATE_REQUIRED = "certificate_required"
    UNKNOWN_AUTHORITY = "unknown_authority"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_REVOKED = "certificate_revoked"
    WRONG_HOST_NAME = "wrong_host_name"
    BROKER_NOT_TRUSTED = "broker_not_trusted"
    NO_TLS_1_3 = "no_tls_1_3"
    OTHER = "other"


class BrokerUnreachable(VppError):
    """Raise when no TCP connection to the broker can be made."""

    def __init__(self, host: str, port: int) -> None:
        """Name the address that was tried."""
        super().__init__(f"{host}:{port} cannot be reached")
        self.host = host
        self.port = port


class BrokerRefusedTls(VppError):
    """Raise when the TLS handshake with the broker failed."""

    def __init__(self, host: str, port: int, fault: TlsFault) -> None:
        """Keep the classified cause."""
        super().__init__(f"{host}:{port}: TLS failed: {fault}")
        self.host = host
        self.port = port
        self.fault = fault


class BrokerRefusedLogin(VppError):
    """Raise when the broker answered CONNECT with a refusal."""

    def __init__(self, reason: str) -> None:
        """Keep the MQTT 5 reason in words."""
        super().__init__(f"the broker refused the connection: {reason}")
        self.reason = reason


class InvitationInvalid(VppError):
    """Raise when a pasted invitation misses or breaks a field."""

    def __init__(self, field: str) -> None:
        """Name the first field that is wrong."""
        super().__init__(f"invitation: {field}")
        self.field = field


class RehearsalRefused(VppError):
    """Raise when a rehearsal would disturb a real dispatch, or another rehearsal."""

    def __init__(self, reason: str) -> None:
        """Keep the slug of the cause."""
        super().__init__(f"no rehearsal now: {reason}")
        self.reason = reason


class UnknownProgramme(VppError):
    """Raise when the home has no such programme, or it keeps no ledger."""

    def __init__(self, programme_id: str) -> None:
        """Name the programme."""
        super().__init__(f"{programme_id}: no ledger")
        self.programme_id = programme_id


class PkiError(V2gError):
    """Something about certificates and keys."""


class CertificateInvalid(PkiError):
    """Raise when a certificate or key cannot be used."""

    def __init__(self, reason: str) -> None:
        """Say in one short slug what is wrong with it."""
        super().__init__(f"certificate: {reason}")
        self.reason = reason


class AuthorityInvalid(CertificateInvalid):
    """Raise when a station cannot be given a certificate to trust."""


class PolicyError(V2gError):
    """A rule of the owner or of safety forbids what was asked."""


class DischargeNotPermitted(PolicyError):
    """Raise when discharge is asked for and a gate forbids it."""

    def __init__(self, reason: str) -> None:
        """Keep the slug of the first gate that failed."""
        super().__init__(f"discharge not permitted: {reason}")
        self.reason = reason


class PowerNotAvailable(PolicyError):
    """Raise when a limit leaves 0 W of a power that was asked for."""

    def __init__(self, reason: str) -> None:
        """Keep the slug of the limit that binds."""
        super().__init__(f"no power available: {reason}")
        self.reason = reason


class PowerOutOfRange(PolicyError):
    """Raise when a requested power is outside what the EVSE may do."""

    def __init__(self, power_w: float, lowest_w: float, highest_w: float) -> None:
        """Keep the request and the range, W."""
        super().__init__(f"{power_w:.0f} W outside {lowest_w:.0f}..{highest_w:.0f} W")
        self.power_w = power_w
        self.lowest_w = lowest_w
        self.highest_w = highest_w


class DischargeTooLong(PolicyError):
    """Raise for a discharge that would go on for too long without an end of its own."""

    def __init__(self, longest_s: float) -> None:
        """Keep the longest that may be asked for, s."""
        super().__init__(f"does not end by itself: at most {longest_s:.0f} s")
        self.longest_s = longest_s


class SocReached(PolicyError):
    """The vehicle holds that much, or that little, already."""

    def __init__(self, soc_percent: float, until_percent: float) -> None:
        """Name what it holds and what was asked for, percent."""
        super().__init__(f"at {soc_percent:.0f} %, asked for {until_percent:.0f} %")
        self.soc_percent, self.until_percent = soc_percent, until_percent


class NothingPlugged(PolicyError):
    """Raise when a command needs an EV and none is plugged in."""

    def __init__(self, evse: str) -> None:
        """Name the EVSE."""
        super().__init__(f"{evse}: no vehicle is plugged in")
        self.evse = evse


class EmergencyStopActive(PolicyError):
    """Raise when a command is refused because the emergency stop is latched."""

    def __init__(self, evse: str) -> None:
        """Name the EVSE."""
        super().__init__(f"{evse}: emergency stop is active")
        self.evse = evse


class EventUnknown(PolicyError):
    """Raise when there is no such event, or none at all, that could be left."""

    def __init__(self, event_id: str | None) -> None:
        """Keep the id that was asked for, None for the next one."""
        super().__init__(f"no event to leave: {event_id or 'none is ahead'}")
        self.event_id = event_id


class OptOutOver(PolicyError):
    """Raise when it is too late to leave an event."""

    def __init__(self, event_id: str) -> None:
        """Name the event."""
        super().__init__(f"too late to leave {event_id}")
        self.event_id = event_id


class ControlTaken(PolicyError):
    """Raise when another automation holds the control lease."""

    def __init__(self, evse: str, holder: str) -> None:
        """Keep the EVSE and who holds it."""
        super().__init__(f"{evse}: control is held by {holder}")
        self.evse = evse
        self.holder = holder


class PlanInvalid(PolicyError):
    """Raise when the slots of a plan are empty spans or overlap."""

    def __init__(self, reason: str) -> None:
        """Keep what is wrong."""
        super().__init__(f"the slots are no plan: {reason}")
        self.reason = reason


class OutOfOperation(PolicyError):
    """Raise when an EVSE that ignored its stops is to be taken back by hand."""

    def __init__(self, evse: str) -> None:
        """Name the EVSE."""
        super().__init__(f"{evse}: taken out of operation because it did not stop")
        self.evse = evse


class MeterSilent(PolicyError):
    """Raise when the meter of an EVSE is needed and says nothing now."""

    def __init__(self, evse: str) -> None:
        """Name the EVSE."""
        super().__init__(f"{evse}: its meter is silent")
        self.evse = evse


class SettingProtected(PolicyError):
    """Raise when a setting is to be changed that this product keeps itself."""

    def __init__(self, setting: str) -> None:
        """Name the setting."""
        super().__init__(f"{setting} is kept by this integration")
        self.setting = setting


class CertificateInUse(PolicyError):
    """Raise when a certificate is to be deleted that a station needs to come back."""

    def __init__(self, station_id: str, serial_number: str) -> None:
        """Keep whose and which."""
        super().__init__(f"{station_id}: certificate {serial_number} is in use")
        self.station_id = station_id
        self.serial_number = serial_number
