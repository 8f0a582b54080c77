"""Take over the next client certificate of a programme."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .const import (
    CONF_BROKER_HOST,
    CONF_BROKER_PORT,
    CONF_BROKER_ROOT_PEM,
    CONF_CERTIFICATE_EXPIRES_AT,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CLIENT_KEY_PEM,
    CONF_HOME_ID,
    CONF_PROGRAMME_ID,
    CONF_REGION,
)
from .coordinator import V2gConfigEntry
from .domain.errors import V2gError
from .domain.ids import ProgrammeId
from .pki.expiry import check_client_certificate
from .pki.request import client_common_name
from .pki.tls import client_context
from .programme_keys import async_with_keys
from .vpp.probe import probe_broker

_LOGGER = logging.getLogger(__name__)

EVENT_PAUSE_S: Final = 30.0
"""How often is looked whether a dispatch is over: the link begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """Where a certificate has to work."""

    host: str
    port: int
    root_pem: str
    common_name: str


def broker_of(data: Mapping[str, Any]) -> BrokerFacts:
    """Return where the certificate of a set-up has to work."""
    return BrokerFacts(
        host=data[CONF_BROKER_HOST],
        port=data[CONF_BROKER_PORT],
        root_pem=data[CONF_BROKER_ROOT_PEM],
        common_name=client_common_name(data[CONF_REGION], data[CONF_HOME_ID]),
    )


def check_certificate(certificate_pem: str, key_pem: str, broker: BrokerFacts) -> str:
    """Return when a certificate expires, once the broker took it. Blocking.

    Raises:
        CertificateInvalid, BrokerUnreachable, BrokerRefusedTls.
    """
    facts = check_client_certificate(
        certificate_pem, key_pem, broker.common_name, None, dt_util.utcnow()
    )
    context = client_context(broker.root_pem, certificate_pem, key_pem)
    probe_broker(broker.host, broker.port, context)
    return facts.not_valid_after.isoformat()


async def take_over(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry, pem: str
) -> None:
    """Use a certificate that came over the link, once the broker takes it.

    The present one goes on being used until then, and while a dispatch runs: the link
    is begun anew with the new one.
    """
    programme_id = ProgrammeId(subentry.data[CONF_PROGRAMME_ID])
    try:
        data = await async_with_keys(hass, subentry.data)
        expires_at = await hass.async_add_executor_job(
            check_certificate, pem, data[CONF_CLIENT_KEY_PEM], broker_of(data)
        )
    except V2gError as err:
        _LOGGER.warning("%s: the next certificate is not used: %s", programme_id, err)
        return
    while _is_dispatched(entry, programme_id):
        await asyncio.sleep(EVENT_PAUSE_S)
    if subentry.subentry_id not in entry.subentries:
        return  # Left meanwhile, and its key is gone.
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={
            **subentry.data,
            CONF_CLIENT_CERTIFICATE_PEM: pem,
            CONF_CERTIFICATE_EXPIRES_AT: expires_at,
        },
    )
    _LOGGER.info("%s: certificate renewed until %s", programme_id, expires_at)


def _is_dispatched(entry: V2gConfigEntry, programme_id: ProgrammeId) -> bool:
    programme = entry.runtime_data.site.snapshot.programme(programme_id)
    return programme is not None and programme.order is not None
