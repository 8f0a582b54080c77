"""The action that tells why an outlet does what it does."""

from dataclasses import replace
from typing import Any

from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.control.permission import GATES
from tests.shell.home import KEY, Home


async def explain(home: Home, device_id: str) -> dict[str, Any]:
    answer = await home.hass.services.async_call(
        DOMAIN,
        "explain",
        {"device_id": device_id},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    return dict(answer)


async def test_what_blocks_discharge_is_the_first_gate_that_is_not_passed(
    home: Home,
) -> None:
    await home.connect()
    await home.plug_in()
    answer = await explain(home, home.evse_device_id)
    assert [gate["gate"] for gate in answer["gates"]] == [r.value for r, _ in GATES]
    first = next(gate for gate in answer["gates"] if not gate["is_passed"])
    blocked_by = home.state("sensor", "discharge_blocked_by").state
    assert first["gate"] == blocked_by
    for gate in answer["gates"]:
        assert gate["is_passed"] is (gate["what_to_do"] is None)
    assert first["what_to_do"].endswith(".")


async def test_the_setpoint_is_told_in_one_sentence(home: Home) -> None:
    await home.connect()
    await home.plug_in()
    await home.site.set_evse_policy(
        KEY, lambda policy: replace(policy, max_charge_power_w=3_700.0)
    )
    await home.settle()
    answer = await explain(home, home.evse_device_id)
    assert answer["reason"] == home.state("sensor", "reason").state
    assert answer["owner"] == home.state("sensor", "control_owner").state
    next_limit = home.state("sensor", "reason").attributes["next_limit"]
    assert answer["reason"] == "ramp"
    assert answer["next_limit"] == next_limit == "as_requested"
    assert "What would hold it next: As requested." in answer["sentence"]
    assert "{" not in answer["sentence"]


async def test_what_another_setting_would_change_is_told(home: Home) -> None:
    await home.connect()
    await home.plug_in()
    await home.site.set_evse_policy(
        KEY, lambda policy: replace(policy, max_charge_power_w=3_700.0)
    )
    await home.site.set_power(KEY, 3_700.0, 60.0)
    await home.settle()
    # The limit that the owner then lowers is what would give more.
    await home.site.set_evse_policy(
        KEY, lambda policy: replace(policy, max_charge_power_w=2_000.0)
    )
    answer = await explain(home, home.evse_device_id)
    [what_if] = answer["what_if"]
    assert (what_if["knob"], what_if["value"]) == ("max_charge_power", 11_000.0)
    assert what_if["power_w"] == 3_700.0
    assert what_if["sentence"] == (
        "With your limit for charging at 11.0 kW it would be 3.7 kW."
    )


async def test_only_an_outlet_can_be_explained(home: Home) -> None:
    await home.connect()
    with pytest.raises(ServiceValidationError) as caught:
        await explain(home, home.device_id("station/CS-1"))
    assert caught.value.translation_key == "target_not_evse"
