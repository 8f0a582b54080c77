"""The certificates of the OCPP listener: made at its start, shown by its flow pages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR

from .const import PKI_FOLDER
from .domain.ports import Spawn
from .pki.issuer import HomeIssuer
from .pki.ocpp_tls import OcppTls, renew_daily
from .pki.store import PemStore
from .station_address import secure_hosts
from .subentry_facts import secure
from .system_clock import SystemClock


def listener_material(hass: HomeAssistant, data: Mapping[str, Any]) -> OcppTls:
    """Return the certificates for a home; its methods block, so use an executor."""
    return OcppTls(
        PemStore(Path(hass.config.path(STORAGE_DIR, PKI_FOLDER))),
        hosts=secure_hosts(hass, data),
        owner=hass.config.location_name or "Home",
        utcnow=SystemClock().utcnow,
    )


async def open_listener_tls(
    hass: HomeAssistant, data: Mapping[str, Any], spawn: Spawn
) -> dict[str, Any]:
    """Return host, port, context and issuer of the encrypted listener; or nothing.

    Raises:
        StoreUnreadable: when what was kept cannot be read.
        CertificateInvalid: when what was kept fits nothing any more.
    """
    where = secure(data)
    if not where:
        return {}
    material = listener_material(hass, data)
    context = await hass.async_add_executor_job(material.open)
    spawn(renew_daily(material, hass.async_add_executor_job), "v2g_vpp certificates")
    issuer = HomeIssuer(
        material.authority,
        owner=hass.config.location_name or "Home",
        utcnow=SystemClock().utcnow,
        run_blocking=hass.async_add_executor_job,
    )
    return {**where, "tls": context, "issuer": issuer}
