"""Read the facts of the home's parts out of the config entry and its subentries.

Dictionaries are keyword arguments of the adapters' own configuration classes, which
the shell does not know.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from homeassistant.config_entries import ConfigSubentry

from .const import (
    CONF_ACCEPT_EXPIRED,
    CONF_AGGREGATOR_KEYS,
    CONF_BATTERY_PRICE,
    CONF_BROKER_HOST,
    CONF_BROKER_PORT,
    CONF_BROKER_ROOT_PEM,
    CONF_CAPACITY_KWH,
    CONF_CERTIFICATE_EXPIRES_AT,
    CONF_CHEMISTRY,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CLIENT_KEY_PEM,
    CONF_CSR,
    CONF_DIALECT,
    CONF_EVCC_ID,
    CONF_HOME_ID,
    CONF_IDENTITY,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    CONF_MAY_DISCHARGE,
    CONF_NO_PASSWORD,
    CONF_OCPP_HOST,
    CONF_OCPP_NETWORKS,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_PORT,
    CONF_PASSWORD,
    CONF_PHASES,
    CONF_PROGRAMME_ID,
    CONF_REGION,
    CONF_RESERVE_PERCENT,
    CONF_SIGNING_SEED,
    CONF_UNATTENDED_CHARGE_W,
    CONF_VEHICLE_ID,
    CONF_VENDOR_DATA,
    CONF_VENDOR_ID,
    CONF_VENDOR_MESSAGE,
    CONF_VIRTUAL,
    CONF_VPP_RESERVE_PERCENT,
    DIALECT_AUTOMATIC,
    PHASES_REPORTED,
    VIRTUAL_NO,
)
from .domain.capability import DischargeDialect
from .domain.chemistry import BATTERY_PRICE_PER_KWH, Chemistry
from .domain.grant import Grant
from .domain.ids import ProgrammeId, StationId, VehicleId
from .domain.policy import StationLimits, VehiclePolicy, VehicleSpec
from .domain.units import kilowatt_hours_to_watt_hours
from .domain.vendor_setpoint import VendorSetpoint


def station_limits(subentry: ConfigSubentry) -> StationLimits:
    """Return what the installation of a station allows."""
    data, default = subentry.data, StationLimits()
    return StationLimits(
        max_charge_power_w=data.get(
            CONF_MAX_CHARGE_POWER_W, default.max_charge_power_w
        ),
        max_discharge_power_w=data.get(
            CONF_MAX_DISCHARGE_POWER_W, default.max_discharge_power_w
        ),
        unattended_charge_w=data.get(
            CONF_UNATTENDED_CHARGE_W, default.unattended_charge_w
        ),
    )


def vehicle(subentry: ConfigSubentry) -> VehicleSpec:
    """Return the facts of a vehicle."""
    data = subentry.data
    chemistry = data.get(CONF_CHEMISTRY)
    return VehicleSpec(
        vehicle_id=VehicleId(data[CONF_VEHICLE_ID]),
        name=subentry.title,
        capacity_wh=kilowatt_hours_to_watt_hours(data[CONF_CAPACITY_KWH]),
        evcc_id=data.get(CONF_EVCC_ID),
        chemistry=Chemistry(chemistry) if chemistry else None,
        battery_price_per_kwh=data.get(CONF_BATTERY_PRICE, BATTERY_PRICE_PER_KWH),
    )


def initial_vehicle_policy(subentry: ConfigSubentry) -> VehiclePolicy:
    """Return the knobs that a vehicle begins with; later they are entities.

    A virtual car may discharge from the start: nothing real can be lost by it.
    """
    data, default = subentry.data, VehiclePolicy()
    is_virtual = data.get(CONF_VIRTUAL, VIRTUAL_NO) != VIRTUAL_NO
    return VehiclePolicy(
        reserve_percent=data.get(CONF_RESERVE_PERCENT, default.reserve_percent),
        vpp_reserve_percent=data.get(
            CONF_VPP_RESERVE_PERCENT, default.vpp_reserve_percent
        ),
        is_discharge_allowed=data.get(CONF_MAY_DISCHARGE, is_virtual),
    )


def listen_address(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the listener listens."""
    return {
        "host": data[CONF_OCPP_HOST],
        "port": data[CONF_OCPP_PORT],
        "networks": networks(data),
    }


def networks(data: Mapping[str, Any]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks that stations may dial in from, empty for every one.

    Raises:
        ValueError: when one cannot be read; the flow lets none through.
    """
    text: str = data.get(CONF_OCPP_NETWORKS) or ""
    parts = (part.strip() for part in text.split(","))
    return tuple(ip_network(part, strict=False) for part in parts if part)


def secure(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the listener listens with TLS, empty where it does not."""
    port = data.get(CONF_OCPP_TLS_PORT)
    return {} if port is None else {"host": data[CONF_OCPP_HOST], "port": port}


def station(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return the settings of one charging station."""
    data = subentry.data
    dialect = data.get(CONF_DIALECT, DIALECT_AUTOMATIC)
    phases = data.get(CONF_PHASES, PHASES_REPORTED)
    return {
        "identity": StationId(data[CONF_IDENTITY]),
        "password": data[CONF_PASSWORD],
        "limits": station_limits(subentry),
        "dialect": None if dialect == DIALECT_AUTOMATIC else DischargeDialect(dialect),
        "vendor": vendor_setpoint(data),
        "allows_no_password": data.get(CONF_NO_PASSWORD, False),
        "accepts_expired_certificate": data.get(CONF_ACCEPT_EXPIRED, False),
        "supply_phases": None if phases == PHASES_REPORTED else int(phases),
    }


def vendor_setpoint(data: Mapping[str, Any]) -> VendorSetpoint | None:
    """Return the message of a maker that tells a power, None where there is none."""
    if data.get(CONF_DIALECT) != DischargeDialect.DATA_TRANSFER:
        return None
    return VendorSetpoint(
        vendor_id=data.get(CONF_VENDOR_ID, ""),
        message_id=data.get(CONF_VENDOR_MESSAGE) or None,
        template=data.get(CONF_VENDOR_DATA, ""),
    )


def programme(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return the facts of the link to one programme."""
    data = subentry.data
    return {
        "host": data[CONF_BROKER_HOST],
        "port": data[CONF_BROKER_PORT],
        "region": data[CONF_REGION],
        "home_id": data[CONF_HOME_ID],
        "programme_id": ProgrammeId(data[CONF_PROGRAMME_ID]),
        "aggregator_keys": data[CONF_AGGREGATOR_KEYS],
        "csr_pem": data.get(CONF_CSR, ""),
        "certificate_expires_at": _moment(data.get(CONF_CERTIFICATE_EXPIRES_AT)),
    }


def grant(data: Mapping[str, Any]) -> Grant:
    """Return what the owner grants to a programme."""
    return Grant(reserve_percent=data.get(CONF_RESERVE_PERCENT, 0.0))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def certificates(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return broker root and client certificate, PEM."""
    return data[CONF_BROKER_ROOT_PEM], data[CONF_CLIENT_CERTIFICATE_PEM]


def tls_material(data: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return broker root, client certificate and client key, PEM."""
    return (*certificates(data), data[CONF_CLIENT_KEY_PEM])


def signing_seed(data: Mapping[str, Any]) -> bytes:
    """Return the seed of the home's signing key for a programme, 32 bytes."""
    text: str = data[CONF_SIGNING_SEED]
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
