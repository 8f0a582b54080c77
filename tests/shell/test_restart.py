"""After a restart everything is right at once, before any charger is there."""

from dataclasses import replace

from homeassistant.core import HomeAssistant
import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect, Proof
from custom_components.v2g_vpp.domain.events import (
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.policy import Mode
from tests.shell.home import KEY, VEHICLE_ID, Home

VEHICLE = f"vehicle_{VEHICLE_ID}"
KEPT = (
    ("switch", "discharge_allowed", "CS-1_1"),
    ("switch", "may_discharge", VEHICLE),
    ("select", "mode", "CS-1_1"),
    ("number", "max_charge_power", "CS-1_1"),
    ("number", "max_discharge_power", "CS-1_1"),
    ("number", "reserve", VEHICLE),
    ("number", "ready_soc", VEHICLE),
    ("time", "ready_by", VEHICLE),
    ("sensor", "energy_charged", "CS-1_1"),
    ("sensor", "energy_discharged", "CS-1_1"),
    ("binary_sensor", "v2g_capable", VEHICLE),
)
"""What an owner set, or a meter counted."""


async def restart(home: Home) -> Home:
    """Unload and load: what is known then is what was saved."""
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    again = Home.willing(home.hass, home.entry)
    await again.settle()
    return again


def counted_wh(home: Home) -> float:
    """Return the count behind the sensor, which shows it once a minute."""
    charged_wh = home.evse().charged_wh
    assert charged_wh is not None
    return charged_wh


def shown(home: Home) -> dict[tuple[str, str, str], str]:
    return {one: home.state(*one).state for one in KEPT}


@pytest.fixture
async def lived(home: Home) -> Home:
    """A home that was used: proven, permitted, set and counted."""
    await home.connect()
    await home.plug_in()
    record = home.site._registry.evses[KEY]
    record.proof = Proof(
        dialect=DischargeDialect.V21_DYNAMIC,
        firmware="1.2.3",
        dead_man_s=25.0,
        passed_at="2026-01-01T00:00:00+00:00",
        proven_power_w=1_800.0,
    )
    await home.site.set_evse_policy(
        KEY,
        lambda policy: replace(
            policy,
            is_discharge_allowed=True,
            mode=Mode.SOLAR,
            max_charge_power_w=7_400.0,
            max_discharge_power_w=3_700.0,
        ),
    )
    await home.site.set_vehicle_policy(
        VEHICLE_ID,
        lambda policy: replace(policy, is_discharge_allowed=True, reserve_percent=42.0),
    )
    return home


async def test_what_was_set_and_counted_is_there_at_once(lived: Home) -> None:
    before = shown(lived)
    assert before["switch", "discharge_allowed", "CS-1_1"] == "on"
    assert before["switch", "may_discharge", VEHICLE] == "on"
    assert before["select", "mode", "CS-1_1"] == "solar"
    for _ in range(2):
        lived = await restart(lived)
        assert shown(lived) == before
    # The switches tell the truth: what they say is what the control goes by.
    assert lived.evse().policy.is_discharge_allowed
    assert lived.vehicle().policy.is_discharge_allowed
    assert float(lived.state("sensor", "soc", VEHICLE).state) == 70
    # What nobody can know before the charger is there is not made up.
    assert lived.state("sensor", "power").state == "unavailable"
    assert lived.state("binary_sensor", "plugged").state == "unavailable"
    assert lived.state("binary_sensor", "ready_to_discharge").state == "off"


async def test_a_switch_that_lost_its_ground_says_so_after_the_restart(
    lived: Home,
) -> None:
    lived.site._registry.evses[KEY].proof = None
    await lived.site.set_evse_policy(
        KEY, lambda policy: replace(policy, is_discharge_allowed=False)
    )
    lived = await restart(lived)
    assert lived.state("switch", "discharge_allowed").state == "off"
    assert not lived.evse().policy.is_discharge_allowed


@pytest.mark.parametrize(
    ("register_wh", "gained_wh"),
    [(12_340.0, 0.0), (12_840.0, 500.0), (0.0, 0.0), (300.0, 0.0)],
    ids=["as before", "charged meanwhile", "a new meter", "a new meter that counted"],
)
async def test_energy_never_goes_back_whatever_the_register_says(
    lived: Home, register_wh: float, gained_wh: float
) -> None:
    before_wh = counted_wh(lived)
    lived = await restart(lived)
    assert counted_wh(lived) == before_wh
    await lived.connect()
    await lived.measure(0.0, energy_charged_wh=register_wh)
    after_wh = counted_wh(lived)
    assert after_wh == pytest.approx(before_wh + gained_wh)
    lived = await restart(lived)
    assert counted_wh(lived) == pytest.approx(after_wh)
    shown_kwh = float(lived.state("sensor", "energy_charged").state)
    assert shown_kwh == pytest.approx(after_wh / 1_000, abs=0.006)


async def test_a_transaction_that_went_on_is_taken_up_with_0_w_first(
    hass: HomeAssistant, lived: Home
) -> None:
    lived = await restart(lived)
    await lived.connect()
    lived.site.post(
        TransactionReported(
            key=KEY,
            transaction_id=TransactionId("tx-1"),
            phase=TransactionPhase.UPDATED,
            charging_state="Charging",
        )
    )
    await lived.measure(7_000.0)
    assert lived.stations.writes, "something was told"
    assert lived.stations.writes[0].power_w == 0
    assert float(lived.state("sensor", "power").state) == 7_000
    assert lived.state("sensor", "state").state == "charging"


async def test_a_latch_is_there_at_once_and_nothing_flows(lived: Home) -> None:
    await lived.site.emergency_stop(KEY)
    lived = await restart(lived)
    assert lived.state("binary_sensor", "emergency_stop").state == "on"
    assert lived.state("sensor", "discharge_blocked_by").state == "emergency_stop"
    await lived.connect()
    await lived.plug_in()
    assert lived.state("sensor", "state").state == "emergency_stop"
    assert all(write.power_w == 0 for write in lived.stations.writes)
