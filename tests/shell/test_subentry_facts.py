"""What a subentry says becomes the settings of the adapters."""

from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry
import pytest

from custom_components.v2g_vpp import subentry_facts as facts
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.vendor_setpoint import VendorSetpoint


def station(**data: Any) -> ConfigSubentry:
    return ConfigSubentry(
        data=MappingProxyType({"identity": "CS-1", "password": "p" * 20, **data}),
        subentry_type="charging_station",
        title="CS-1",
        unique_id="station_CS-1",
    )


@pytest.mark.parametrize(
    ("data", "dialect", "phases"),
    [
        ({}, None, None),
        ({"dialect": "automatic", "phases": "reported"}, None, None),
        ({"dialect": "none", "phases": "3"}, DischargeDialect.NONE, 3),
        ({"dialect": "neg_limit_a", "phases": "1"}, DischargeDialect.NEG_LIMIT_A, 1),
    ],
    ids=["set up before there was a choice", "automatic", "never", "negative limits"],
)
def test_choices_of_a_charger(
    data: dict[str, Any], dialect: DischargeDialect | None, phases: int | None
) -> None:
    told = facts.station(station(**data))
    assert told["dialect"] is dialect
    assert told["supply_phases"] == phases


def test_an_expired_certificate_is_accepted_only_by_choice() -> None:
    assert not facts.station(station())["accepts_expired_certificate"]
    told = facts.station(station(accept_expired_certificate=True))
    assert told["accepts_expired_certificate"]


def test_a_password_is_needed_unless_the_owner_says_otherwise() -> None:
    assert not facts.station(station())["allows_no_password"]
    assert facts.station(station(no_password=True))["allows_no_password"]


def test_the_message_of_a_maker_belongs_to_its_dialect() -> None:
    message = {"vendor_id": "org.example", "vendor_data": "{power_w}"}
    told = facts.station(station(dialect="data_transfer", **message))
    assert told["dialect"] is DischargeDialect.DATA_TRANSFER
    assert told["vendor"] == VendorSetpoint(
        vendor_id="org.example", message_id=None, template="{power_w}"
    )
    assert facts.station(station(dialect="automatic", **message))["vendor"] is None


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        (None, []),
        ("", []),
        (" 192.168.1.7/24, fd00::/8 ,", ["192.168.1.0/24", "fd00::/8"]),
        ("10.1.2.3", ["10.1.2.3/32"]),
    ],
    ids=repr,
)
def test_networks_are_read_as_people_write_them(
    text: str | None, networks: list[str]
) -> None:
    data = {"ocpp_host": "0.0.0.0", "ocpp_port": 1, "ocpp_networks": text}
    assert [str(n) for n in facts.listen_address(data)["networks"]] == networks
