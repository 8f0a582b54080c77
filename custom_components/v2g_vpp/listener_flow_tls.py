"""The certificates of the OCPP listener: made at its start, shown by its flow pages."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR

from .const import (
    CONF_OCPP_TLS_1_3_ONLY,
    CONF_OCPP_TLS_CERTIFICATE,
    CONF_OCPP_TLS_KEY,
    DOMAIN,
    PKI_FOLDER,
)
from .domain.errors import CertificateInvalid, ListenerCertificate, StoreUnreadable
from .domain.ports import Spawn
from .pki.home_certificates import HomeTrust
from .pki.issuer import HomeIssuer
from .pki.ocpp_tls import OcppTls, renew_daily
from .pki.own_certificate import OwnFiles
from .pki.store import PemStore
from .station_address import secure_hosts
from .subentry_facts import listen_address, secure
from .system_clock import SystemClock
from .text_keys import OWN_CERTIFICATE

OWN_EXPIRES: Final = "own_certificate_expires"
OWN_EXPIRED: Final = "own_certificate_expired"
OWN_UNUSABLE: Final = "own_certificate_unusable"
WARN_DAYS: Final = 21
"""House rule: shorter than the last third of a certificate of 90 days, in which
whoever renews it by a program has done so."""


def listener_material(hass: HomeAssistant, data: Mapping[str, Any]) -> OcppTls:
    """Return the certificates for a home; its methods block, so use an executor."""
    return OcppTls(
        _store(hass),
        hosts=secure_hosts(hass, data),
        owner=hass.config.location_name or "Home",
        utcnow=SystemClock().utcnow,
        own_files=own_files(data),
        is_1_3_only=data.get(CONF_OCPP_TLS_1_3_ONLY, False),
    )


async def forget_material(hass: HomeAssistant) -> None:
    """Remove the authority of a home that is gone, with all that it signed.

    Which certificates were revoked is forgotten with the home: the next one must not
    take them for valid.
    """
    await hass.async_add_executor_job(_store(hass).clear)


def _store(hass: HomeAssistant) -> PemStore:
    return PemStore(Path(hass.config.path(STORAGE_DIR, PKI_FOLDER)))


def own_files(data: Mapping[str, Any]) -> OwnFiles | None:
    """Return where the owner's own certificate is; None: the home makes one."""
    certificate, key = data.get(CONF_OCPP_TLS_CERTIFICATE), data.get(CONF_OCPP_TLS_KEY)
    if not certificate or not key:
        return None
    return OwnFiles(certificate=Path(certificate), key=Path(key))


async def encryption_errors(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> dict[str, str]:
    """Return what is wrong with the certificate that the owner brings, by field."""
    given = [
        key for key in (CONF_OCPP_TLS_CERTIFICATE, CONF_OCPP_TLS_KEY) if data.get(key)
    ]
    if len(given) == 1:
        return {given[0]: "both_files"}
    try:
        await hass.async_add_executor_job(listener_material(hass, data).check_own)
    except CertificateInvalid as err:
        field = CONF_OCPP_TLS_CERTIFICATE
        if err.reason in ("unreadable_key", "key_mismatch"):
            field = CONF_OCPP_TLS_KEY
        return {field: OWN_CERTIFICATE[err.reason]}
    return {}


@callback
def show_own_certificate(
    hass: HomeAssistant, days_left: float | None, reason: str | None
) -> None:
    """Raise or clear the repairs of the owner's own certificate."""
    key = None
    if reason == "expired" or (days_left is not None and days_left <= 0):
        key = OWN_EXPIRED
    elif reason is not None:
        key = OWN_UNUSABLE
    elif days_left is not None and days_left <= WARN_DAYS:
        key = OWN_EXPIRES
    for other in {OWN_EXPIRED, OWN_EXPIRES, OWN_UNUSABLE} - {key}:
        ir.async_delete_issue(hass, DOMAIN, other)
    if key is not None:
        ir.async_create_issue(
            hass,
            DOMAIN,
            key,
            is_fixable=False,
            severity=(
                ir.IssueSeverity.WARNING
                if key == OWN_EXPIRES
                else ir.IssueSeverity.ERROR
            ),
            translation_key=key,
            translation_placeholders={
                "days": f"{max(0.0, days_left or 0.0):.0f}",
                "reason": reason or "-",
            },
        )


async def open_listener[AddressT](
    hass: HomeAssistant,
    data: Mapping[str, Any],
    spawn: Spawn,
    make_address: Callable[..., AddressT],
) -> dict[str, Any]:
    """Return where the home listens, and what it knows of certificates.

    Args:
        hass: the running Home Assistant.
        data: of the config entry.
        spawn: starts the renewal of certificates.
        make_address: of the listener, from its fields.

    Raises:
        StoreUnreadable: when what was kept cannot be read, or fits nothing any more.
        ListenerCertificate: when the owner's own certificate cannot be used.
    """
    where = secure(data)
    material = listener_material(hass, data) if where else None
    trust = HomeTrust(
        material,
        utcnow=SystemClock().utcnow,
        run_blocking=hass.async_add_executor_job,
    )
    options = {"address": make_address(**listen_address(data)), "home": trust}
    if material is None:
        show_own_certificate(hass, None, None)
        return options
    try:
        context = await hass.async_add_executor_job(material.open)
    except CertificateInvalid as err:
        if own_files(data) is None:
            # Its own authority: no operator can help, a backup can.
            raise StoreUnreadable(PKI_FOLDER) from err
        raise ListenerCertificate(where["port"], err.reason) from err
    spawn(
        renew_daily(
            material,
            hass.async_add_executor_job,
            partial(show_own_certificate, hass),
        ),
        "v2g_vpp certificates",
    )
    issuer = HomeIssuer(
        material.authority,
        owner=hass.config.location_name or "Home",
        utcnow=SystemClock().utcnow,
        run_blocking=hass.async_add_executor_job,
    )
    return {
        **options,
        "secure_address": make_address(**where, tls=context, issuer=issuer),
    }
