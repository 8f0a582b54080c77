"""The page that takes a client certificate for the key that the home has."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant

from .const import (
    CONF_BROKER_HOST,
    CONF_BROKER_PORT,
    CONF_CERTIFICATE_EXPIRES_AT,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CLIENT_KEY_PEM,
    CONF_CSR,
    CONF_PROGRAMME_ID,
)
from .domain.errors import (
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInvalid,
    V2gError,
)
from .programme_keys import async_with_keys
from .programme_renewal import broker_of, check_certificate
from .request_file import async_write_request, request_path
from .text_keys import CERTIFICATE, TLS


async def async_checked_certificate(
    hass: HomeAssistant, data: Mapping[str, Any], pem: str
) -> dict[str, Any]:
    """Return what changes in a programme, once its broker took the certificate.

    Raises:
        CertificateInvalid, BrokerUnreachable, BrokerRefusedTls, StoreUnreadable.
    """
    data = await async_with_keys(hass, data)
    expires_at = await hass.async_add_executor_job(
        check_certificate, pem, data[CONF_CLIENT_KEY_PEM], broker_of(data)
    )
    return {CONF_CLIENT_CERTIFICATE_PEM: pem, CONF_CERTIFICATE_EXPIRES_AT: expires_at}


def certificate_error(err: V2gError, field: str) -> dict[str, str]:
    """Return the error by field; what the broker says belongs to the whole form."""
    match err:
        case CertificateInvalid(reason=reason) if reason in CERTIFICATE:
            return {field: CERTIFICATE[reason]}
        case BrokerUnreachable():
            return {"base": "broker_unreachable"}
        case BrokerRefusedTls():
            return {"base": TLS[err.fault]}
        case _:
            return {field: "certificate_unusable"}


async def async_offer_request(
    hass: HomeAssistant, programme_id: str, csr_pem: str
) -> dict[str, str]:
    """Write the request to a file; return the error to show, if any."""
    is_written = await async_write_request(hass, programme_id, csr_pem)
    return {} if is_written else {"base": "request_not_written"}


def request_placeholders(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> dict[str, str]:
    """Return what the page names: the request, its file, and who takes the answer."""
    return {
        "csr": data[CONF_CSR],
        "file": str(request_path(hass, data[CONF_PROGRAMME_ID])),
        "host": data[CONF_BROKER_HOST],
        "port": str(data[CONF_BROKER_PORT]),
    }
