"""The certificates of the OCPP listener: made at its start, shown by its flow pages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR

from .const import PKI_FOLDER
from .domain.ports import Spawn
from .pki.home_certificates import HomeTrust
from .pki.issuer import HomeIssuer
from .pki.ocpp_tls import OcppTls, renew_daily
from .pki.store import PemStore
from .station_address import secure_hosts
from .subentry_facts import listen_address, secure
from .system_clock import SystemClock


def listener_material(hass: HomeAssistant, data: Mapping[str, Any]) -> OcppTls:
    """Return the certificates for a home; its methods block, so use an executor."""
    return OcppTls(
        PemStore(Path(hass.config.path(STORAGE_DIR, PKI_FOLDER))),
        hosts=secure_hosts(hass, data),
        owner=hass.config.location_name or "Home",
        utcnow=SystemClock().utcnow,
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
        StoreUnreadable: when what was kept cannot be read.
        CertificateInvalid: when what was kept fits nothing any more.
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
        return options
    context = await hass.async_add_executor_job(material.open)
    spawn(renew_daily(material, hass.async_add_executor_job), "v2g_vpp certificates")
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
