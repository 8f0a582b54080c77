"""Steps 8 and 9: Home Assistant frozen, killed, stopped, and started again."""

import math
import time
from typing import Any

from .measured import Call
from .report import Details, Report
from .waiting import expect, until, until_async
from .world import EVSE, PROGRAMME, VEHICLE, ZERO_W, World

PROMISED_S = {"v21_dynamic": 35.0, "v21_schedule": 75.0}
"""Discharge ends by itself within this: validity, clock error, dead time and ramp."""

REFRESH_TIMEOUT_S = 30.0
"""The longest refresh period of a dialect is 20 s."""

MARGIN_S = 5.0
STOP_TIMEOUT_S = 10.0
FIRST_WRITE_TIMEOUT_S = 40.0
METER_TIMEOUT_S = 15.0


async def freeze_home(world: World, report: Report) -> Details:
    """Step 8: frozen right after a refresh; its sockets stay open."""
    refresh = await _next_refresh(world)
    world.home.process.freeze()
    try:
        return await _measure_deadman(world, report, refresh, "frozen")
    finally:
        world.home.process.thaw()


async def kill_home(world: World, report: Report, before: dict[str, Any]) -> Details:
    """Step 8: killed right after a refresh; ``before`` is filled for step 9."""
    before.update(await _remember(world))
    refresh = await _next_refresh(world)
    await world.home.kill()
    return await _measure_deadman(world, report, refresh, "killed")


async def start_again(world: World, report: Report, before: dict[str, Any]) -> Details:
    """Step 9: everything is right at once, and the first write is 0 W."""
    report.figures["restart_recovered"] = False
    expect(before and not world.home.process.is_running, "a killed home", "none")
    began = time.monotonic()
    await world.home.start()
    await world.entities.refresh()
    up_s = time.monotonic() - began
    at_once = _shown(world)
    for key, wanted in before["shown"].items():
        expect(at_once[key] == wanted, f"{key} {wanted} at once", at_once[key])
    # Not known yet is right; a counter that went backwards is not.
    _compare_counters(world, before["counters"], can_be_unknown=True)

    async def first_write() -> Call | None:
        calls = (await world.station.read()).setpoints_since(began)
        return calls[0] if calls else None

    first = await until_async(first_write, FIRST_WRITE_TIMEOUT_S, "a first write")
    expect(first.setpoint_w == 0, "0 W as the first write", first.setpoint_w)
    status = await world.station.status()
    for key in ("boot_count", "transaction_id"):
        expect(
            status[key] == before["station"][key],
            f"{key} {before['station'][key]}",
            status[key],
        )
    boots = [c for c in world.station.measured.sent if c.action == "BootNotification"]
    expect(len(boots) == 1, "one BootNotification in all", len(boots))
    await _until_metered(world)
    _compare_counters(world, before["counters"], can_be_unknown=False)
    report.figures["restart_recovered"] = True
    return {
        "up_s": round(up_s, 1),
        "first_write_w": first.setpoint_w,
        "boot_notifications": len(boots),
        **at_once,
    }


async def stop_home(world: World) -> Details:
    """Step 8b: stopped as its owner would; 0 W arrives before the link closes."""
    began = time.monotonic()
    code = await world.home.stop()
    took_s = time.monotonic() - began
    expect(code == 0, "exit code 0", code)

    async def link_end() -> float | None:
        ends = [at for at in (await world.station.read()).link_ends if at >= began]
        return ends[0] if ends else None

    ended = await until_async(link_end, STOP_TIMEOUT_S, "the link closed")
    zeros = [
        call.mono_s
        for call in world.station.measured.setpoints_since(began)
        if call.setpoint_w == 0 and call.mono_s < ended
    ]
    expect(zeros, "0 W on the wire before the link closed", "none")
    zero = await world.until_measured(
        lambda m: m.zero_since(began, ZERO_W), STOP_TIMEOUT_S, "no export"
    )
    return {
        "zero_on_wire_ms": round((zeros[0] - began) * 1000),
        "link_closed_ms": round((ended - began) * 1000),
        "no_export_s": round(zero - began, 2),
        "stopped_s": round(took_s, 1),
    }


async def _next_refresh(world: World) -> float:
    """Return when the next write of the running setpoint reached the station."""
    since = time.monotonic()
    running_w = (await world.station.read()).power_w
    expect(running_w < -ZERO_W, "a running discharge", f"{running_w:.0f} W")

    call = await world.until_measured(
        lambda m: next(
            (c for c in m.setpoints_since(since) if (c.setpoint_w or 0) < 0), None
        ),
        REFRESH_TIMEOUT_S,
        "a refresh of the discharge",
    )
    return call.mono_s


async def _measure_deadman(
    world: World, report: Report, refresh_mono_s: float, case: str
) -> Details:
    dialect = _dialect(world)
    promised_s = PROMISED_S[dialect]
    measured = await world.station.read()
    late = [c for c in measured.setpoints_since(refresh_mono_s) if c.setpoint_w]
    last_mono_s = max((c.mono_s for c in late), default=refresh_mono_s)
    zero = await world.until_measured(
        lambda m: m.zero_since(last_mono_s, ZERO_W),
        promised_s + MARGIN_S,
        "a discharge that ends by itself",
    )
    deadman_s = zero - last_mono_s
    worst = report.figures.setdefault("deadman_s", {})
    worst[dialect] = max(worst.get(dialect, 0.0), round(deadman_s, 2))
    by_case = report.figures.setdefault("deadman_by_case", {})
    by_case[case] = round(deadman_s, 2)
    expect(deadman_s <= promised_s, f"0 W in {promised_s:g} s", f"{deadman_s:.2f} s")
    return {"dialect": dialect, "deadman_s": round(deadman_s, 2)}


def _compare_counters(
    world: World, before: dict[str, float], *, can_be_unknown: bool
) -> None:
    for key, least_kwh in before.items():
        seen = world.entities.number("sensor", f"{EVSE}_{key}")
        is_right = seen >= least_kwh or (can_be_unknown and math.isnan(seen))
        expect(is_right, f"{key} of at least {least_kwh} kWh", seen)


async def _until_metered(world: World) -> None:
    def has_power() -> bool:
        return not math.isnan(world.entities.number("sensor", f"{EVSE}_power"))

    await until(has_power, METER_TIMEOUT_S, "the meter read again")


def _dialect(world: World) -> str:
    """Return the discharge dialect that the calls on the wire belong to."""
    has_updates = any(
        call.action == "UpdateDynamicSchedule" for call in world.station.measured.calls
    )
    return "v21_dynamic" if has_updates else "v21_schedule"


def _shown(world: World) -> dict[str, Any]:
    read = world.entities.state
    return {
        "discharge_allowed": read("switch", f"{EVSE}_discharge_allowed"),
        "may_discharge": read("switch", f"{VEHICLE}_may_discharge"),
        "participation": read("switch", f"{PROGRAMME}_participation"),
        "emergency_stop": read("binary_sensor", f"{EVSE}_emergency_stop"),
        "self_test": read("sensor", f"{EVSE}_self_test"),
        "vpp_reserve": read("number", f"{VEHICLE}_vpp_reserve"),
    }


async def _remember(world: World) -> dict[str, Any]:
    """Return what must be the same after the restart."""
    status = await world.station.status()
    counters = {
        key: world.entities.number("sensor", f"{EVSE}_{key}")
        for key in ("energy_charged", "energy_discharged")
    }
    return {"shown": _shown(world), "counters": counters, "station": status}
