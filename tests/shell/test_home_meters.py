"""How a home is wired, from its options and its chargers."""

from typing import Any

from custom_components.v2g_vpp.const import (
    CONF_CIRCUIT,
    CONF_CIRCUIT_LIMIT_A,
    CONF_EXPORT_LIMIT_W,
    CONF_FUSE_A,
    CONF_IDENTITY,
    CONF_PHASE_COUNT,
    CONF_PHASE_MAP,
    PHASE_MAP_UNKNOWN,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.home_meters import site_wiring
from custom_components.v2g_vpp.station_form import station_errors


def station(identity: str, **more: Any) -> dict[str, Any]:
    return {CONF_IDENTITY: identity, "password": "0123456789abcdef0123", **more}


def key(identity: str, evse_id: int = 1) -> EvseKey:
    return EvseKey(StationId(identity), evse_id)


def test_nothing_is_known_of_a_home_whose_owner_said_nothing() -> None:
    silent = station("A", phase_map=PHASE_MAP_UNKNOWN)
    assert site_wiring({CONF_EXPORT_LIMIT_W: 5000}, {"other": 1}, [silent]) is None


def test_limits_and_phases_come_from_options_and_entry() -> None:
    wiring = site_wiring(
        {CONF_EXPORT_LIMIT_W: 5000}, {CONF_PHASE_COUNT: "1", CONF_FUSE_A: 63}
    )
    assert wiring is not None
    assert (wiring.phase_count, wiring.fuse_w) == (1, 63 * 230.0)
    assert wiring.export_limit_w == 5000


def test_every_outlet_of_a_charger_is_on_its_phases() -> None:
    wiring = site_wiring(
        {}, {}, [station("A", **{CONF_PHASE_MAP: "231"}), station("B")]
    )
    assert wiring is not None
    assert wiring.phase_map(key("A")).phases == (2, 3, 1)
    assert wiring.phase_map(key("A", 2)).phases == (2, 3, 1)
    assert wiring.phase_map(key("B")).phases == ()


def test_chargers_that_name_one_circuit_share_its_smallest_limit() -> None:
    wiring = site_wiring(
        {},
        {},
        [
            station("A", **{CONF_CIRCUIT: "Garage ", CONF_CIRCUIT_LIMIT_A: 32}),
            station("B", **{CONF_CIRCUIT: "garage", CONF_CIRCUIT_LIMIT_A: 25}),
            station("C", **{CONF_CIRCUIT: "Barn", CONF_CIRCUIT_LIMIT_A: 16}),
            station("D"),
        ],
    )
    assert wiring is not None
    barn, garage = wiring.circuits
    assert (barn.circuit_id, barn.limit_a) == ("barn", 16)
    assert (garage.circuit_id, garage.limit_a) == ("garage", 25)
    assert {key("A"), key("B", 2)} <= garage.evses
    assert key("C") not in garage.evses
    assert not any(key("D") in circuit.evses for circuit in wiring.circuits)


def test_a_circuit_needs_a_name_and_a_limit() -> None:
    named = station("A", **{CONF_CIRCUIT: "Garage"})
    assert station_errors(named) == {CONF_CIRCUIT_LIMIT_A: "circuit_incomplete"}
    limited = station("A", **{CONF_CIRCUIT: "  ", CONF_CIRCUIT_LIMIT_A: 20})
    assert station_errors(limited) == {CONF_CIRCUIT: "circuit_incomplete"}
    both = station("A", **{CONF_CIRCUIT: "Garage", CONF_CIRCUIT_LIMIT_A: 20})
    assert station_errors(both) == {}
    assert station_errors(station("A")) == {}
