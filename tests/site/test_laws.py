"""Whatever happens in whatever order: no forbidden discharge, and a way back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import override

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.dispatch import AckStatus, CommandKind
from custom_components.v2g_vpp.domain.errors import V2gError
from custom_components.v2g_vpp.domain.events import EmergencyStopReported, FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, ProgrammeId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.rehearsal import REHEARSAL
from custom_components.v2g_vpp.domain.setpoint import (
    ControlOwner,
    Reason,
    Setpoint,
)
from tests.site.home import PROGRAMME, VEHICLE, Home
from tests.site.programme import RecordingProgramme
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time

OTHER = ProgrammeId("programme-2")

type Action = Callable[[Home], Awaitable[None]]


def at_once(act: Callable[[Home], object]) -> Action:
    async def run(home: Home) -> None:
        act(home)

    return run


def asked(act: Callable[[Home], Awaitable[object]]) -> Action:
    """Let the owner ask; a refusal is an answer."""

    async def run(home: Home) -> None:
        with suppress(V2gError):
            await act(home)

    return run


def order(power_w: float, start_in_s: float, kind: CommandKind) -> Action:
    return at_once(
        lambda home: home.order(
            power_w, start_in_s=start_in_s, duration_s=90.0, kind=kind
        )
    )


def emergency(evse_id: int, *, is_active: bool) -> Action:
    def act(home: Home) -> None:
        key = EvseKey(home.key.station_id, evse_id)
        home.site.post(EmergencyStopReported(key=key, is_active=is_active))

    return at_once(act)


def fault(code: FaultCode, *, is_active: bool) -> Action:
    return at_once(
        lambda home: home.site.post(
            FaultReported(key=home.key, code=code, is_active=is_active)
        )
    )


def behave(name: str, value: object) -> Action:
    return at_once(lambda home: setattr(home.station, name, value))


def dial_in_with(name: str, value: object) -> Action:
    def act(home: Home) -> None:
        setattr(home.station, name, value)
        home.station.disconnect()
        home.station.connect()

    return at_once(act)


def let_go(home: Home) -> None:
    home.has_heartbeats = not home.has_heartbeats


def join_another(home: Home) -> None:
    """Let the home take part in a second programme, whose link stays up."""
    if OTHER in home.site._registry.programmes:
        return
    home.site.add_programme(OTHER, RecordingProgramme())
    home.site.link_changed(OTHER, is_connected=True)
    site = home.site

    async def beat() -> None:
        while home.site is site and not home.is_deaf:
            site.heartbeat_seen(OTHER, home.clock.monotonic())
            await home.run(5)

    home._spawn(beat(), "heartbeats of the other")


def by_the_other(power_w: float, kind: CommandKind) -> Action:
    def act(home: Home) -> None:
        join_another(home)
        home.order(power_w, duration_s=90.0, kind=kind, programme_id=OTHER)

    return at_once(act)


async def rehearse(home: Home) -> None:
    """Play an aggregator that falls silent at once."""
    home.site.begin_rehearsal(RecordingProgramme(), home.key, 90.0)
    home.site.heartbeat_seen(REHEARSAL, home.clock.monotonic())
    home.order(-4_000.0, duration_s=90.0, programme_id=REHEARSAL)


async def thaw_after_freeze(home: Home) -> None:
    await home.freeze()
    await home.run(15)
    home.run_site()


async def restart(home: Home) -> None:
    await home.restart()
    home.reconnect()


async def another_vehicle(home: Home) -> None:
    home.station.unplug()
    home.station.evcc_id = "GUEST" if home.station.evcc_id == "EV1" else "EV1"
    home.station.plug()


ACTIONS: dict[str, Action] = {
    "discharge by order": order(-5_000.0, 0.0, CommandKind.SETPOINT),
    "discharge all by order": order(-11_000.0, 0.0, CommandKind.SETPOINT),
    "discharge later": order(-4_000.0, 12.0, CommandKind.SETPOINT),
    "charge by order": order(7_000.0, 0.0, CommandKind.SETPOINT),
    "limit": order(3_000.0, 0.0, CommandKind.LIMIT),
    "release": order(0.0, 0.0, CommandKind.RELEASE),
    "cancel": at_once(lambda home: home.site.cancel_order(PROGRAMME, "order-1")),
    "heartbeats on or off": at_once(let_go),
    "broker gone": at_once(
        lambda home: home.site.link_changed(PROGRAMME, is_connected=False)
    ),
    "pause": asked(
        lambda home: home.site.set_participation(PROGRAMME, is_participating=False)
    ),
    "join": asked(
        lambda home: home.site.set_participation(PROGRAMME, is_participating=True)
    ),
    "high floor": asked(lambda home: home.set_floors(80, 90)),
    "low floor": asked(lambda home: home.set_floors(20, 30)),
    "emergency stop": asked(lambda home: home.site.emergency_stop(home.key)),
    "reset": asked(lambda home: home.site.reset_emergency_stop(home.key)),
    "button of the station": emergency(1, is_active=True),
    "button of the whole station": emergency(0, is_active=True),
    "button released": emergency(0, is_active=False),
    "latched fault": fault(FaultCode.GROUND_FAULT, is_active=True),
    "latched fault over": fault(FaultCode.GROUND_FAULT, is_active=False),
    "passing fault": fault(FaultCode.METER_FAILURE, is_active=True),
    "passing fault over": fault(FaultCode.METER_FAILURE, is_active=False),
    "unplug": at_once(lambda home: home.station.unplug()),
    "plug": at_once(lambda home: home.station.plug()),
    "another vehicle": another_vehicle,
    "link lost": at_once(lambda home: home.station.disconnect()),
    "link back": at_once(lambda home: home.station.connect()),
    "rejects": behave("answer", Answer.REJECT),
    "silent": behave("answer", Answer.SILENT),
    "slow": behave("answer_s", 3.0),
    "obeys": behave("answer", Answer.ACCEPT),
    "ignores stops": behave("ignores_stops", True),
    "reversed": behave("is_reversed", True),
    "no floor profile": dial_in_with("has_floor_profile", False),
    "meter silent": behave("has_meter", False),
    "meter back": behave("has_meter", True),
    "new firmware": dial_in_with("firmware", "2.0"),
    "another programme": at_once(join_another),
    "discharge by the other": by_the_other(-3_000.0, CommandKind.SETPOINT),
    "limit of the other": by_the_other(4_000.0, CommandKind.LIMIT),
    "self-test": asked(lambda home: home.site.start_self_test(home.key)),
    "discharge until": asked(lambda h: h.site.set_power(h.key, -6_000, 60, 69.9)),
    "rehearsal": asked(rehearse),
    "rehearsal over": at_once(lambda home: home.site.end_rehearsal()),
    "nearly empty": at_once(lambda home: home.station.set_soc(31.0)),
    "full": at_once(lambda home: home.station.set_soc(99.0)),
    "switch off": asked(lambda home: home.allow(home.key, is_allowed=False)),
    "switch on": asked(lambda home: home.allow(home.key)),
    "vehicle may not": asked(
        lambda home: home.site.set_vehicle_policy(
            VEHICLE, lambda policy: replace(policy, is_discharge_allowed=False)
        )
    ),
    "vehicle may": asked(
        lambda home: home.site.set_vehicle_policy(
            VEHICLE, lambda policy: replace(policy, is_discharge_allowed=True)
        )
    ),
    "mode off": asked(lambda home: home.set_mode(Mode.OFF)),
    "mode charge": asked(lambda home: home.set_mode(Mode.CHARGE_NOW)),
    "mode discharge": asked(lambda home: home.set_mode(Mode.DISCHARGE_NOW)),
    "discharge by hand": asked(lambda h: h.site.set_power(h.key, -6_000, 60)),
    "charge by hand": asked(lambda h: h.site.set_power(h.key, 6_000, 60)),
    "stop by hand": asked(lambda home: home.site.stop(None)),
    "automatic": asked(lambda home: home.site.return_to_automatic(home.key)),
    "clear": asked(lambda home: home.site.clear_charging_profile(home.key)),
    "freeze": thaw_after_freeze,
    "restart": restart,
    "unreadable store": at_once(lambda h: setattr(h.store, "is_unreadable", True)),
    "slow store": at_once(lambda home: setattr(home.store, "save_s", 4.0)),
    "torn document": at_once(lambda h: h.store.edit(lambda d: d.update(version="?"))),
}
WAITS_S = (0.0, 1.0, 5.0, 12.0, 40.0)

BEGINNINGS = ("discharge by order", "discharge by hand", "mode discharge")

STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.sampled_from(WAITS_S)),
    min_size=1,
    max_size=6,
)


async def put_right(home: Home) -> None:
    """Do what an owner and a repaired charger would do."""
    station = home.station
    station.answer, station.answer_s = Answer.ACCEPT, 0.02
    station.ignores_stops = station.is_reversed = False
    station.has_meter = station.has_floor_profile = True
    home.has_heartbeats, home.store.save_s = True, 0.0
    home.store.is_unreadable = False
    # Whatever it was told and did not obey ends now.
    station.expires_s = home.clock.monotonic()
    station.disconnect()
    await home.run(35)
    for code in (FaultCode.GROUND_FAULT, FaultCode.METER_FAILURE):
        await fault(code, is_active=False)(home)
    await emergency(0, is_active=False)(home)
    await emergency(1, is_active=False)(home)
    home.reconnect()
    await home.run(5)
    station.unplug()
    station.evcc_id = "EV1"
    station.set_soc(70.0)
    await home.run(5)
    await home.site.reset_emergency_stop(home.key)
    station.plug()
    await home.run(5)
    await home.site.return_to_automatic(home.key)
    await home.set_floors(20, 30)
    await ACTIONS["vehicle may"](home)
    await ACTIONS["join"](home)
    home.site.cancel_order(PROGRAMME, "order-1")
    home.order(0.0, kind=CommandKind.RELEASE)
    await home.set_mode(Mode.OFF)
    await home.run(90)


@pytest.mark.parametrize("name", sorted(ACTIONS))
@in_virtual_time
async def test_nothing_that_happens_makes_a_discharge_forbidden_and_run_on(
    name: str,
) -> None:
    for beginning in BEGINNINGS:
        async with Home() as home:
            await home.grant()
            await home.set_floors(30, 30)
            await ACTIONS[beginning](home)
            await home.run(12)
            assert home.power_w < -4_000
            await ACTIONS[name](home)
            # Long enough for a refresh that must not be.
            await home.run(12)


class RogueCoordinator(DischargeCoordinator):
    """A mistake in control: everything shall discharge, whoever forbids it."""

    @override
    def step(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> Mapping[EvseKey, EvseDecision]:
        setpoint = Setpoint(
            power_w=-5_000.0,
            requested_w=-5_000.0,
            owner=ControlOwner.VPP,
            reason=Reason.AS_REQUESTED,
        )
        return {
            evse.key: EvseDecision(
                setpoint=setpoint,
                discharge_blocked_by=None,
                available_charge_w=11_000.0,
                available_discharge_w=11_000.0,
            )
            for evse in evses
        }


@in_virtual_time
async def test_the_output_gate_stops_what_a_mistake_in_control_lets_through() -> None:
    async with Home() as home:
        await home.set_mode(Mode.OFF)
        await home.run(10)
        good = home.site._loop._coordinator
        home.site._loop._coordinator = RogueCoordinator()
        assert home.order(-5_000.0).status is AckStatus.ACCEPTED
        began = home.clock.monotonic()
        await home.run(30)
        assert home.evse.setpoint.power_w == 0
        assert home.evse.setpoint.reason is Reason.DISCHARGE_NOT_ALLOWED
        assert home.station.lowest_since(began) >= -100
        home.site._loop._coordinator = good
        await home.grant()
        await home.until(lambda: home.is_at(-5_000.0), 30)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(BEGINNINGS), STEPS)
@in_virtual_time
async def test_no_forbidden_discharge_and_a_way_back(
    first: str, steps: list[tuple[str, float]]
) -> None:
    # The laws of every write are looked after by the home itself.
    async with Home() as home:
        await home.grant()
        await ACTIONS[first](home)
        async with asyncio.TaskGroup() as group:
            for name, wait_s in steps:
                task = group.create_task(_do(home, ACTIONS[name]))
                home.callers.add(task)
                task.add_done_callback(home.callers.discard)
                await home.run(wait_s)
        await put_right(home)
        if home.evse.proof is None or not home.evse.policy.is_discharge_allowed:
            await home.prove()
        await home.discharge()


async def _do(home: Home, action: Action) -> None:
    await home.until(lambda: not home.is_dead, 60)
    await action(home)
