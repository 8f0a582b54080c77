"""Powers up to a charge, emergency stops and transactions, as actions."""

from dataclasses import replace

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.v2g_vpp.domain.setpoint import Reason, WriteResult, WriteStatus
from tests.shell.home import ACCEPTED, Home
from tests.shell.test_services import act, plugged

__all__ = ["plugged"]

OTHERS = ("reset_emergency_stop", "return_to_automatic", "request_stop_transaction")


async def test_charge_until_takes_what_the_owner_allows_and_says_when_it_is_there(
    plugged: Home,
) -> None:
    await plugged.measure(0)
    soc = plugged.vehicle().soc_percent
    assert soc is not None
    await act(plugged, "charge_until", plugged.evse_device_id, soc=soc + 10)
    setpoint = plugged.evse().setpoint
    assert (setpoint.owner, setpoint.requested_w) == ("user", 11_000)

    with pytest.raises(ServiceValidationError) as refused:
        await act(plugged, "charge_until", plugged.evse_device_id, soc=soc - 10)
    assert refused.value.translation_key == "soc_reached"
    assert plugged.evse().setpoint.requested_w == 11_000, "nothing was changed"

    await act(plugged, "return_to_automatic", plugged.evse_device_id)
    assert plugged.evse().setpoint.owner == "mode"


async def test_discharge_until_is_refused_for_the_reason_that_any_discharge_is(
    plugged: Home,
) -> None:
    await plugged.measure(0)
    with pytest.raises(ServiceValidationError) as refused:
        await act(
            plugged, "discharge_until", plugged.evse_device_id, soc=20, power=2_000
        )
    assert refused.value.translation_key == "blocked_vehicle_not_allowed"


@pytest.mark.parametrize("data", [{}, {"soc": 101}, {"soc": 50, "power": -1_000}])
async def test_charge_until_without_sense_never_reaches_the_site(
    plugged: Home, data: dict[str, float]
) -> None:
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await act(plugged, "charge_until", plugged.evse_device_id, **data)
    assert plugged.evse().setpoint.owner == "mode"


async def test_emergency_stop_latches_all_of_a_home_and_is_reset_one_by_one(
    plugged: Home,
) -> None:
    await act(plugged, "emergency_stop", plugged.device_id("site"))
    assert plugged.evse().is_emergency_stopped
    assert plugged.evse().setpoint.reason is Reason.EMERGENCY_STOP
    # Again is no error.
    await act(plugged, "emergency_stop", plugged.evse_device_id)
    await act(plugged, "reset_emergency_stop", plugged.evse_device_id)
    assert not plugged.evse().is_emergency_stopped


async def test_transaction_is_begun_and_ended_by_hand(plugged: Home) -> None:
    # One that runs is what was asked for.
    await act(plugged, "request_start_transaction", plugged.evse_device_id)
    await act(plugged, "request_stop_transaction", plugged.evse_device_id)
    assert plugged.evse().setpoint.owner == "user"
    assert plugged.evse().setpoint.requested_w == 0

    plugged.stations.answer = WriteResult(
        status=WriteStatus.REJECTED, detail="InTransaction"
    )
    with pytest.raises(HomeAssistantError) as refused:
        await act(plugged, "request_stop_transaction", plugged.evse_device_id)
    assert refused.value.translation_key == "station_rejected"
    plugged.stations.answer = replace(ACCEPTED)


@pytest.mark.parametrize("service", OTHERS)
async def test_action_of_an_outlet_takes_no_other_device(
    plugged: Home, service: str
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act(plugged, service, plugged.device_id("site"))
    assert refused.value.translation_key == "target_not_evse"
