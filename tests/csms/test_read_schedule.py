"""What a station says that it does now, in the words of each version."""

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, Dialler, Rig, config
from tests.csms.plays_16 import now, write as write_16
from tests.csms.scenario_table import SCENARIOS, Scene
from tests.csms.test_setpoints import write


async def test_a_setpoint_is_read_back_with_its_sign(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    assert await rig.server.read_schedule(EVSE1) is None, "no profile of ours yet"
    assert (await write(rig, -5000.0)).is_accepted
    assert await rig.server.read_schedule(EVSE1) == -5000.0
    asked = charger.peer.payloads("GetCompositeSchedule")[-1]
    assert asked == SCENARIOS["C19"]["ans"][0][3]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Rejected"},
        {"status": "Accepted"},
        {
            "status": "Accepted",
            "schedule": {
                "evseId": 1,
                "duration": 60,
                "scheduleStart": "2026-11-22T18:00:00Z",
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000.0}],
            },
        },
        None,
    ],
    ids=["refused", "without a schedule", "only a limit", "unknown action"],
)
async def test_an_answer_without_a_sign_is_none(
    rig: Rig, charger: Charger, answer: object
) -> None:
    await charger.plug()
    assert (await write(rig, -5000.0)).is_accepted
    if answer is None:
        del charger.peer.responders["GetCompositeSchedule"]
    else:
        charger.peer.responders["GetCompositeSchedule"] = lambda _: answer  # type: ignore[assignment,return-value]
    assert await rig.server.read_schedule(EVSE1) is None


async def test_a_negative_limit_of_1_6_is_read_back(rig: Rig, dialler: Dialler) -> None:
    rig.server.adopt(config(dialect=DischargeDialect.NEG_LIMIT_W))
    scene = Scene(rig, dialler, "ocpp1.6")
    point: ChargePoint = await scene.charge_point()
    await point.status("Charging", timestamp=now(scene))
    number = await point.plug(now(scene))
    assert (await write_16(scene, -5000.0, number)).is_accepted
    assert await rig.server.read_schedule(EVSE1) == -5000.0
    asked = point.peer.payloads("GetCompositeSchedule")[-1]
    assert asked == {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}


async def test_the_last_rungs_in_the_words_of_1_6(rig: Rig, dialler: Dialler) -> None:
    scene = Scene(rig, dialler, "ocpp1.6")
    point = await scene.charge_point()
    result = await rig.server.change_availability(EVSE1, is_operative=False)
    assert result.is_accepted
    told = point.peer.payloads("ChangeAvailability")
    assert told == [{"connectorId": 1, "type": "Inoperative"}]
    assert (await rig.server.reset(EVSE1)).is_accepted
    assert point.peer.payloads("Reset") == [{"type": "Hard"}]
