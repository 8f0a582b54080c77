"""Repairs: what only the owner can put right."""

from collections.abc import Callable
import re
from typing import Any, Final, Protocol

from homeassistant import data_entry_flow
from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import (
    CONF_OCPP_NETWORKS,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_PORT,
    DOMAIN,
    STORE_SITE,
)
from .coordinator import V2gConfigEntry
from .domain.errors import (
    BrokerRefusedLogin,
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInvalid,
    V2gError,
)
from .domain.ids import EvseKey, StationId
from .domain.ports import Unsubscribe
from .domain.snapshot import SiteSnapshot
from .refusal_text import shown_address, shown_offer
from .repair_flows import AdoptStationFlow, CheckDueFlow, LostProofFlow
from .station_checks import CHECK_DUE
from .station_farewell import PREVIOUS_ADDRESS
from .station_repairs import CLOCK_ISSUE, LOST_PROOF, show_station_problems
from .text_keys import DOWNGRADE_ISSUES, TLS_ISSUES, VPP, VPP_CERTIFICATE_INVALID

UNKNOWN_STATION: Final = "unknown_station"
UNKNOWN_STATIONS: Final = "unknown_stations"
IDENTITY_NOT_EXACT: Final = "identity_not_exact"
NETWORK_NOT_ALLOWED: Final = "network_not_allowed"
WRONG_PASSWORD: Final = "wrong_password"  # noqa: S105 - an issue, not a secret
PASSWORD_MISSING: Final = "password_missing"  # noqa: S105 - the same
NO_COMMON_PROTOCOL: Final = "no_common_protocol"
DOWNGRADE: Final = "downgrade"
WRONG_CERTIFICATE: Final = "wrong_certificate"
REVOKED_CERTIFICATE: Final = "revoked_certificate"
CERTIFICATE_NOT_VALID: Final = "certificate_not_valid"
SHOWN_CAUSES: Final = (
    IDENTITY_NOT_EXACT,
    NETWORK_NOT_ALLOWED,
    WRONG_PASSWORD,
    PASSWORD_MISSING,
    NO_COMMON_PROTOCOL,
    DOWNGRADE,
    WRONG_CERTIFICATE,
    REVOKED_CERTIFICATE,
    CERTIFICATE_NOT_VALID,
)
"""Refusals that the owner can do something about."""

TLS_HOME_NOT_TRUSTED: Final = "tls_home_not_trusted"
TLS_CLOCK: Final = "tls_clock"
TLS_STRANGER: Final = "tls_stranger"
TLS_NOT_ENCRYPTED: Final = "tls_not_encrypted"
TLS_TOO_OLD: Final = "tls_too_old"
TLS_MISTAKES: Final = (
    TLS_HOME_NOT_TRUSTED,
    TLS_CLOCK,
    TLS_STRANGER,
    TLS_NOT_ENCRYPTED,
    TLS_TOO_OLD,
)
"""Handshakes that fail before a charger says who it is."""

SEEN_ISSUES: Final = (UNKNOWN_STATION, CLOCK_ISSUE)
"""How repairs begin, beside those above, that end only while the home listens."""

OVER: Final = "over"
STORE_UNREADABLE: Final = "store_unreadable"
STORE_NOT_WRITTEN: Final = "store_not_written"

MOST_UNKNOWN_STATIONS: Final = 5
"""Whoever reaches the port can make up names: more than this are one summary."""

# The listener checks the same; here it keeps mark-up out of the user interface.
_IDENTITY: Final = re.compile(r"[A-Za-z0-9._:|-]{1,48}")


class Pictured(Protocol):
    """The site, as far as a repair has to know it."""

    @property
    def snapshot(self) -> SiteSnapshot:
        """The last picture."""

    def subscribe(self, listener: Callable[[SiteSnapshot], None]) -> Unsubscribe:
        """Call ``listener`` with every new picture."""


@callback
def async_raise_refusal(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    identity: str,
    address: str,
    cause: str,
    detail: str = "",
) -> None:
    """Tell the owner of a station that was turned away.

    Args:
        hass: the running Home Assistant.
        entry: of the home.
        identity: that it dialled in with; dropped unless it is a legal one.
        address: of the peer.
        cause: as the listener names it; causes that the owner cannot change or did
            choose are no repair.
        detail: the versions that the station offered, or the security profile that it
            had before, where that is the cause.
    """
    if cause in TLS_MISTAKES:
        if detail == OVER:
            ir.async_delete_issue(hass, DOMAIN, cause)
        else:
            port = str(entry.data.get(CONF_OCPP_TLS_PORT, "-"))
            _create(hass, cause, cause, {"port": port})
        return
    if not _IDENTITY.fullmatch(identity):
        return
    if cause == "unknown_identity":
        async_raise_unknown_station(hass, entry, identity, address)
    elif cause in SHOWN_CAUSES:
        _create(
            hass,
            f"{cause}_{identity}",
            _downgrade_key(detail) if cause == DOWNGRADE else cause,
            {
                "identity": identity,
                "address": shown_address(address),
                "offered": shown_offer(detail),
                "networks": entry.data.get(CONF_OCPP_NETWORKS) or "-",
            },
        )


@callback
def async_raise_unknown_station(
    hass: HomeAssistant, entry: V2gConfigEntry, identity: str, address: str
) -> None:
    """Offer to adopt a station that nobody set up; at most five at a time."""
    if not _IDENTITY.fullmatch(identity):
        return
    issue_id = f"{UNKNOWN_STATION}_{identity}"
    is_listed = (DOMAIN, issue_id) in ir.async_get(hass).issues
    shown = shown_address(address)
    if not is_listed and _unknown_stations(hass) >= MOST_UNKNOWN_STATIONS:
        _create(
            hass,
            UNKNOWN_STATIONS,
            UNKNOWN_STATIONS,
            {"address": shown, "port": str(entry.data[CONF_OCPP_PORT])},
        )
        return
    _create(
        hass,
        issue_id,
        UNKNOWN_STATION,
        {"identity": identity, "address": shown},
        data={"entry_id": entry.entry_id, "identity": identity, "address": shown},
    )


@callback
def async_clear_station(hass: HomeAssistant, identity: str) -> None:
    """Forget what was said of a station: it is connected now, or was removed."""
    for cause in (UNKNOWN_STATION, *SHOWN_CAUSES):
        ir.async_delete_issue(hass, DOMAIN, f"{cause}_{identity}")
    if _unknown_stations(hass) < MOST_UNKNOWN_STATIONS:
        ir.async_delete_issue(hass, DOMAIN, UNKNOWN_STATIONS)


@callback
def async_raise_vpp_problem(
    hass: HomeAssistant, programme_id: str, programme: str, err: V2gError
) -> None:
    """Tell the owner why there is no link to a programme, and what to do.

    Args:
        hass: the running Home Assistant.
        programme_id: of the programme.
        programme: its title.
        err: what the link or its set-up raised.
    """
    key, values = "vpp_failed", {"programme": programme}
    match err:
        case BrokerRefusedTls():
            key = TLS_ISSUES[err.fault]
            values |= {"host": err.host, "port": str(err.port)}
        case BrokerUnreachable():
            key = "vpp_broker_unreachable"
            values |= {"host": err.host, "port": str(err.port)}
        case BrokerRefusedLogin():
            key, values = "vpp_broker_refused_login", values | {"reason": err.reason}
        case CertificateInvalid():
            key, values = VPP_CERTIFICATE_INVALID, values | {"reason": err.reason}
        case _:
            pass
    _create(hass, f"{VPP}_{programme_id}", key, values)


@callback
def async_clear_vpp_problem(hass: HomeAssistant, programme_id: str) -> None:
    """Forget the problem of a programme: the link is up, or it was removed."""
    ir.async_delete_issue(hass, DOMAIN, f"{VPP}_{programme_id}")


@callback
def async_watch_site(hass: HomeAssistant, site: Pictured) -> Unsubscribe:
    """Raise and clear what follows from the picture of the home.

    The saved state that cannot be trusted is shown until the owner has reset it, and a
    charger that got in is no longer one that was turned away.
    """
    connected: frozenset[str] = frozenset()
    is_readable: bool | None = None
    show_problems = show_station_problems(hass)

    @callback
    def look(snapshot: SiteSnapshot) -> None:
        nonlocal connected, is_readable
        before, connected = (
            connected,
            frozenset(s.station_id for s in snapshot.stations if s.is_connected),
        )
        for identity in connected - before:
            async_clear_station(hass, identity)
        # Most pictures come by here for a reading: no registry is asked for those.
        if snapshot.is_store_readable is not is_readable:
            is_readable = snapshot.is_store_readable
            _show_store_problem(hass, is_readable=is_readable)
        show_problems(snapshot)

    look(site.snapshot)
    unsubscribe = site.subscribe(look)

    @callback
    def end() -> None:
        unsubscribe()
        _forget_what_was_seen(hass)

    return end


@callback
def _forget_what_was_seen(hass: HomeAssistant) -> None:
    """Drop what only somebody who listens could find to be over.

    It is said again if it is still so. What the owner ignored stays ignored, and a
    fault of a charger is one until it is reset.
    """
    for (domain, issue_id), issue in list(ir.async_get(hass).issues.items()):
        is_seen = issue_id in TLS_MISTAKES or issue_id.startswith(SEEN_ISSUES)
        if domain == DOMAIN and is_seen and issue.dismissed_version is None:
            ir.async_delete_issue(hass, DOMAIN, issue_id)


def _show_store_problem(hass: HomeAssistant, *, is_readable: bool) -> None:
    is_shown = (DOMAIN, STORE_UNREADABLE) in ir.async_get(hass).issues
    if is_readable and is_shown:
        ir.async_delete_issue(hass, DOMAIN, STORE_UNREADABLE)
    elif not is_readable and not is_shown:
        _create(
            hass,
            STORE_UNREADABLE,
            STORE_UNREADABLE,
            {"store": STORE_SITE},
            severity=ir.IssueSeverity.CRITICAL,
        )


@callback
def async_write_reporter(hass: HomeAssistant, store: str) -> Callable[[bool], None]:
    """Return what shows a repair for as long as a document cannot be written."""

    @callback
    def report(is_written: bool) -> None:  # noqa: FBT001 - a callback of one value
        issue_id = f"{STORE_NOT_WRITTEN}_{store}"
        if is_written:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
            return
        _create(
            hass,
            issue_id,
            STORE_NOT_WRITTEN,
            {"store": store},
            severity=ir.IssueSeverity.ERROR,
        )

    return report


def _create(
    hass: HomeAssistant,
    issue_id: str,
    key: str,
    values: dict[str, str],
    *,
    data: dict[str, str | int | float | None] | None = None,
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data=data,
        is_fixable=data is not None,
        severity=severity,
        translation_key=key,
        translation_placeholders=values,
    )


def _unknown_stations(hass: HomeAssistant) -> int:
    return sum(
        1
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and issue_id.startswith(f"{UNKNOWN_STATION}_")
    )


def _downgrade_key(profile: str) -> str:
    return DOWNGRADE_ISSUES.get(profile, DOWNGRADE_ISSUES["2"])


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow that puts an issue right."""
    if issue_id.startswith(PREVIOUS_ADDRESS):
        return ConfirmRepairFlow()
    if data is None:
        raise data_entry_flow.UnknownHandler(issue_id)
    if issue_id.startswith(CHECK_DUE):
        return CheckDueFlow(data["entry_id"], data["subentry_id"], data["field"])
    if issue_id.startswith(LOST_PROOF):
        return LostProofFlow(EvseKey(StationId(data["station"]), data["evse"]))
    return AdoptStationFlow(data["entry_id"], data["identity"], data["address"])
