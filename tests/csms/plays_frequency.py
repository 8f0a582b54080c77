"""Scenarios C12 and C13: a station that follows the frequency of the grid itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from custom_components.v2g_vpp.csms.times import format_time
from custom_components.v2g_vpp.domain.frequency_response import (
    FrequencyPoint,
    FrequencyResponse,
    GridSignal,
    SignalPoint,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import EVSE1, STATION, Dialler, Payload, Rig
from tests.csms.scenario_table import SCENARIOS, Plays, Scene, frame_of

PLAYS = Plays()
EVCC = "WMIV1234567890ABCDEX"
MODES = row(
    "V2XChargingCtrlr",
    "SupportedOperationModes",
    "ChargingOnly,CentralSetpoint,LocalFrequency",
    evse=1,
)
OFFERED = tuple(
    MODES if entry["variable"] == MODES["variable"] else entry for entry in INVENTORY
)
SIGNAL = GridSignal(begins_at=datetime(2026, 11, 22, 18, tzinfo=UTC), signal=-1)


def curve(rig: Rig, **changes: Any) -> FrequencyResponse:
    """Return the curve of the scenario, decided now."""
    points = ((49.8, -10000.0), (49.99, 0.0), (50.01, 0.0), (50.2, 10000.0))
    response = FrequencyResponse(
        key=EVSE1,
        transaction_id=TransactionId("t1"),
        baseline_w=0.0,
        by_frequency=tuple(
            FrequencyPoint(frequency_hz=frequency_hz, power_w=power_w)
            for frequency_hz, power_w in points
        ),
        decided_mono_s=rig.clock.monotonic(),
    )
    return replace(response, **changes)


def with_signals(rig: Rig, power_w: float) -> FrequencyResponse:
    """Return a curve that also follows signals, of this power at most."""
    weak = (
        FrequencyPoint(frequency_hz=49.8, power_w=-5000.0),
        FrequencyPoint(frequency_hz=50.2, power_w=5000.0),
    )
    signals = (SignalPoint(signal=-1, power_w=power_w),)
    return curve(rig, by_frequency=weak, by_signal=signals)


async def following(
    rig: Rig,
    dialler: Dialler,
    inventory: tuple[Payload, ...] = OFFERED,
    clock_offset: timedelta = timedelta(),
) -> Charger:
    """A station that offers the mode, with a vehicle that may discharge."""
    rig.authority.allowed = {EVCC}
    charger = Charger(await dialler.dial(), inventory=inventory)
    await charger.boot()
    await charger.ready(rig.sink)
    await charger.peer.call("Authorize", frame_of("C06")[3])
    await charger.plug(timestamp=format_time(rig.clock.utcnow() + clock_offset))
    await charger.peer.ask(frame_of("C07"))
    return charger


def curves_sent(charger: Charger) -> list[Any]:
    """Return the profiles of the outlet that have a curve."""
    sent = charger.peer.payloads("SetChargingProfile")
    return [r["chargingProfile"] for r in sent if "v2xBaseline" in str(r)]


@PLAYS.of("C12")
async def a_curve_is_followed_in_the_station(scene: Scene) -> None:
    charger = await following(scene.rig, scene.dialler)
    answer = await scene.rig.server.follow_frequency(curve(scene.rig))
    assert answer.is_accepted, answer
    (profile,) = curves_sent(charger)
    # Beyond the scenario: it ends by itself while the link is there, too.
    ends_at = datetime.fromisoformat(profile.pop("validTo"))
    assert 0 < (ends_at - scene.rig.clock.utcnow()).total_seconds() < 120
    assert profile == SCENARIOS["C12"]["ans"][0][3]["chargingProfile"]


@PLAYS.of("C13")
async def a_signal_that_nothing_follows_is_refused(scene: Scene) -> None:
    charger = await following(scene.rig, scene.dialler)
    reason = {"reasonCode": "NoSignalWattCurve"}
    charger.peer.responders["AFRRSignal"] = lambda _: {
        "status": "Rejected",
        "statusInfo": reason,
    }
    answer = await scene.rig.server.send_signal(STATION, SIGNAL)
    assert answer.detail == "NoSignalWattCurve"
    (sent,) = charger.peer.payloads("AFRRSignal")
    wanted = SCENARIOS["C13"]["ans"][0][3]
    assert sent["signal"] == wanted["signal"]
    assert datetime.fromisoformat(sent["timestamp"]) == SIGNAL.begins_at
