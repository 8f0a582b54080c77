"""Transactions, readings and keys of 1.6."""

from custom_components.v2g_vpp.virtual.config import EvseConfig, Fault
from custom_components.v2g_vpp.virtual.plant import IDEAL
from tests.virtual.fake_clock import until

from .rig import NUMBER, Rig16, profile

# A transaction


async def test_a_transaction_is_told_from_start_to_end(rig: Rig16) -> None:
    await rig.begin()
    await rig.told("Available", "NoError")
    (boot,) = rig.csms.calls("BootNotification")
    assert boot["chargePointVendor"] == "Virtual"
    await rig.plug_16()
    start = await rig.csms.came("StartTransaction")
    assert (start["connectorId"], start["meterStart"]) == (1, 0)
    await rig.told("Charging", "NoError")
    await rig.csms.call("SetChargingProfile", profile(-5_000.0))
    await rig.clock.advance(5)
    assert rig.true_w == -5_000.0
    answer = await rig.csms.call("RemoteStopTransaction", {"transactionId": NUMBER + 1})
    assert answer == {"status": "Rejected"}
    answer = await rig.csms.call("RemoteStopTransaction", {"transactionId": NUMBER})
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(5)
    stop = await rig.csms.came("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (NUMBER, "Remote")
    assert rig.true_w == 0.0
    await rig.told("Finishing", "NoError")
    assert rig.station.status().active_profile_id is None


async def test_readings_are_texts_with_their_direction(rig: Rig16) -> None:
    await rig.begin()
    for key, value in (
        ("MeterValuesSampledData", "Power.Active.Import,Power.Active.Export,SoC"),
        ("MeterValueSampleInterval", "10"),
    ):
        body = {"key": key, "value": value}
        answer = await rig.csms.call("ChangeConfiguration", body)
        assert answer == {"status": "Accepted"}
    await rig.plug_16()
    await rig.csms.call("SetChargingProfile", profile(-3_000.0))
    await rig.clock.advance(30)
    before = len(rig.csms.calls("MeterValues"))
    await rig.clock.advance(10.5)
    await until(lambda: len(rig.csms.calls("MeterValues")) > before, "a reading")
    told = rig.csms.calls("MeterValues")[-1]
    assert (told["connectorId"], told["transactionId"]) == (1, NUMBER)
    values = {
        sample["measurand"]: sample["value"]
        for sample in told["meterValue"][0]["sampledValue"]
    }
    assert all(isinstance(value, str) for value in values.values())
    assert float(values["Power.Active.Import"]) == 0.0
    assert float(values["Power.Active.Export"]) == 3_000.0


async def test_a_start_that_is_not_answered_is_told_again_after_the_link(
    rig: Rig16,
) -> None:
    await rig.begin()
    rig.station.set_fault(Fault.DROP_LINK, is_on=True)
    await until(lambda: not rig.csms.is_linked, "link lost")
    # Nothing starts offline; what runs goes on and is told later.
    rig.station.set_fault(Fault.DROP_LINK, is_on=False)
    await rig.reconnect()
    await rig.plug_16()
    rig.station.set_fault(Fault.DROP_LINK, is_on=True)
    await until(lambda: not rig.csms.is_linked, "link lost")
    rig.station.unplug()
    await rig.clock.advance(2)
    assert rig.station.status().queued_events > 0
    rig.station.set_fault(Fault.DROP_LINK, is_on=False)
    await rig.reconnect()
    stop = await rig.csms.came("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (NUMBER, "EVDisconnected")
    assert len(rig.csms.calls("StartTransaction")) == 1
    assert len(rig.csms.calls("BootNotification")) == 1


# Keys


async def test_keys_are_read_and_written_as_1_6_has_them(rig: Rig16) -> None:
    await rig.begin(more_evses=(EvseConfig(plant=IDEAL),))
    answer = await rig.csms.call(
        "GetConfiguration",
        {"key": ["NumberOfConnectors", "AuthorizationKey", "Unheard"]},
    )
    assert answer["unknownKey"] == ["Unheard"]
    told = {entry["key"]: entry for entry in answer["configurationKey"]}
    assert told["NumberOfConnectors"]["value"] == "2"
    assert "value" not in told["AuthorizationKey"]
    for key, value, status in (
        ("NumberOfConnectors", "3", "Rejected"),
        ("Unheard", "1", "NotSupported"),
        ("MeterValueSampleInterval", "often", "Rejected"),
        ("MeterValuesSampledData", "Power.Active.Setpoint", "Rejected"),
        ("MeterValueSampleInterval", "30", "Accepted"),
    ):
        body = {"key": key, "value": value}
        answer = await rig.csms.call("ChangeConfiguration", body)
        assert answer == {"status": status}, key
