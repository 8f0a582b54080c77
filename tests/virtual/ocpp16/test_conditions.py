"""Conditions, triggers and errors in the words of 1.6."""

import pytest

from custom_components.v2g_vpp.virtual.conditions import CONDITIONS, Condition
from custom_components.v2g_vpp.virtual.config import EvseConfig
from custom_components.v2g_vpp.virtual.plant import IDEAL
from tests.virtual.fake_clock import until
from tests.virtual.scripted_csms import settle

from .rig import Rig16, profile

# Conditions and the line


@pytest.mark.parametrize("condition", list(Condition))
async def test_a_condition_is_told_by_its_error_and_ends_what_it_must(
    rig: Rig16, condition: Condition
) -> None:
    facts = CONDITIONS[condition]
    await rig.begin()
    await rig.plug_16()
    await rig.csms.call("SetChargingProfile", profile(-5_000.0))
    await rig.clock.advance(5)
    rig.station.set_condition(condition, is_on=True)
    await until(
        lambda: rig.statuses()[-1][1] == facts.error_16, f"error {rig.statuses()}"
    )
    if facts.stop is None:
        assert rig.true_w == -5_000.0
    else:
        assert rig.true_w == 0.0
        await rig.csms.came("StopTransaction")
    is_faulted = rig.station.status().connector_status == "Faulted"
    assert is_faulted == facts.is_faulted
    rig.station.set_condition(condition, is_on=False)
    await until(lambda: rig.statuses()[-1][1] == "NoError", "mended")


async def test_the_gravest_condition_is_told(rig: Rig16) -> None:
    await rig.begin()
    rig.station.set_condition(Condition.METER_FAILED, is_on=True)
    await rig.told("Available", "PowerMeterFailure")
    rig.station.set_condition(Condition.GROUND_FAULT, is_on=True)
    await rig.told("Faulted", "GroundFailure")
    rig.station.set_condition(Condition.GROUND_FAULT, is_on=False)
    await until(lambda: rig.statuses()[-1] == ("Available", "PowerMeterFailure"))


async def test_triggered_messages_are_of_the_connector_that_is_named(
    rig: Rig16,
) -> None:
    await rig.begin(more_evses=(EvseConfig(plant=IDEAL),))
    await rig.told("Available", "NoError", 2)
    before = len(rig.statuses(1)), len(rig.statuses(2))
    body = {"requestedMessage": "StatusNotification", "connectorId": 2}
    answer = await rig.csms.call("TriggerMessage", body)
    assert answer == {"status": "Accepted"}
    await until(lambda: len(rig.statuses(2)) == before[1] + 1, "of 2")
    assert len(rig.statuses(1)) == before[0]
    answer = await rig.csms.call(
        "TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"}
    )
    assert answer == {"status": "NotImplemented"}


async def test_what_it_does_not_know_is_refused_in_the_words_of_1_6(
    rig: Rig16,
) -> None:
    await rig.begin()
    assert (await rig.csms.ask("Dance", {}))[2] == "NotImplemented"
    assert (await rig.csms.ask("GetDiagnostics", {"location": "ftp://x/"}))[2] == (
        "NotSupported"
    )
    reply = await rig.csms.ask("ChangeConfiguration", {"key": "HeartbeatInterval"})
    assert reply[2] == "OccurenceConstraintViolation"
    await rig.csms.send("{bad")
    await until(
        lambda: any(f[:3] == [4, "-1", "FormationViolation"] for f in rig.csms.frames),
        "FormationViolation",
    )
    # Types that are none are passed over.
    await rig.csms.send('[9,"a","X",{}]')
    await settle()
    assert not [frame for frame in rig.csms.frames if frame[1] == "a"]
