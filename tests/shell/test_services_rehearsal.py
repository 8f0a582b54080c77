"""The action that rehearses a dispatch."""

from typing import Any

from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus, DispatchAck
from custom_components.v2g_vpp.domain.errors import RehearsalRefused
from custom_components.v2g_vpp.domain.rehearsal import (
    RehearsalEvent,
    RehearsalKind,
    RehearsalReport,
    RehearsalRequest,
    RehearsalStep,
)
from custom_components.v2g_vpp.text_keys import NO_REHEARSAL
from tests.shell.home import KEY, Home


class Stage:
    """Answers every rehearsal the same."""

    def __init__(self, answer: RehearsalReport | RehearsalRefused) -> None:
        self.answer = answer
        self.asked: list[RehearsalRequest] = []

    async def rehearse(self, request: RehearsalRequest) -> RehearsalReport:
        self.asked.append(request)
        if isinstance(self.answer, RehearsalRefused):
            raise self.answer
        return self.answer


async def act(home: Home, device_id: str | None = None, **data: Any) -> Any:
    return await home.hass.services.async_call(
        DOMAIN,
        "simulate_dispatch",
        {"device_id": device_id or home.evse_device_id, **data},
        blocking=True,
        return_response=True,
    )


@pytest.fixture
async def plugged(home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    return home


async def test_a_refused_rehearsal_says_what_to_do(plugged: Home) -> None:
    told = await act(plugged, power=-3_000)
    assert told["rehearsal"] is True
    assert told["passed"] is False
    assert told["verdicts"] == [
        {
            "status": "rejected",
            "code": "NOT_PERMITTED",
            "committed_w": 0.0,
            "binding": ["user"],
        }
    ]
    (step,) = told["steps"]
    assert step["event"] == "refused"
    assert step["sentence"].startswith("This vehicle may not be discharged")
    assert plugged.site.snapshot.programmes == ()


async def test_charging_is_rehearsed_dry_through_the_real_gate(plugged: Home) -> None:
    told = await act(plugged, power=4_000, kind="dry_run")
    assert told["passed"] is True
    assert told["asked_w"] == 4_000
    assert told["verdicts"][0]["code"] == "OK"
    (step,) = told["steps"]
    assert step["sentence"] == "The home accepted the command and promises 4.0 kW."


async def test_a_report_is_told_as_data_and_in_sentences(plugged: Home) -> None:
    ack = DispatchAck(
        order_id="1", status=AckStatus.ACCEPTED, code=AckCode.OK, committed_w=-3_000.0
    )
    stage = Stage(
        RehearsalReport(
            key=KEY,
            kind=RehearsalKind.LINK_LOSS,
            asked_w=-3_000.0,
            acks=(ack,),
            steps=tuple(
                RehearsalStep(
                    event=event,
                    at_s=float(at),
                    power_w=-2_980.0,
                    energy_wh=-41.6,
                    after_s=12.34,
                    ack=ack,
                )
                for at, event in enumerate(RehearsalEvent)
            ),
        )
    )
    plugged.entry.runtime_data.rehearsal = stage
    told = await act(plugged, kind="link_loss", duration={"minutes": 3})
    assert stage.asked == [
        RehearsalRequest(key=KEY, kind=RehearsalKind.LINK_LOSS, duration_s=180.0)
    ]
    assert told["time_to_setpoint_s"] == 12.3
    assert told["time_to_zero_s"] == 12.3
    assert told["energy_wh"] == -41.6
    sentences = {step["event"]: step["sentence"] for step in told["steps"]}
    assert len(sentences) == len(RehearsalEvent)
    assert sentences["setpoint_reached"] == "-3.0 kW flowed 12.3 s after the command."
    assert not any("{" in one or "?" in one for one in sentences.values())


@pytest.mark.parametrize("reason", sorted(NO_REHEARSAL))
async def test_no_rehearsal_where_it_would_disturb(plugged: Home, reason: str) -> None:
    plugged.entry.runtime_data.rehearsal = Stage(RehearsalRefused(reason))
    with pytest.raises(ServiceValidationError) as raised:
        await act(plugged)
    assert raised.value.translation_key == NO_REHEARSAL[reason]


async def test_wrong_durations_and_targets_are_told(plugged: Home) -> None:
    with pytest.raises(ServiceValidationError) as long:
        await act(plugged, duration={"minutes": 16})
    assert long.value.translation_key == "rehearsal_duration_not_legal"
    with pytest.raises(ServiceValidationError) as target:
        await act(plugged, device_id=plugged.device_id("site"))
    assert target.value.translation_key == "target_not_evse"
