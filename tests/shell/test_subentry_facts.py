"""What a subentry says becomes the settings of the adapters."""

from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry
import pytest

from custom_components.v2g_vpp import subentry_facts as facts
from custom_components.v2g_vpp.domain.capability import DischargeDialect


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
