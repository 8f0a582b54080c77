"""Steps 1 and 2: set up through the user's own dialogs, connect, plug in."""

import asyncio
import json
import secrets
from typing import Any

from .home_assistant_client import Flow
from .measured import Measured
from .processes import RigError, free_port
from .report import Details
from .waiting import expect, until, until_async
from .world import EVSE, PLANT, PROGRAMME, STATION_ID, VEHICLE, World

DOMAIN = "v2g_vpp"
LOOPBACK = "127.0.0.1"

LOADED_TIMEOUT_S = 20.0
LINK_TIMEOUT_S = 30.0
"""A station waits a few seconds between two attempts to dial."""

READY_TIMEOUT_S = 20.0
"""Reading the device model takes about ten calls."""

AUTHORISED_TIMEOUT_S = 30.0
PROGRAMME_TIMEOUT_S = 30.0
CHARGING_TIMEOUT_S = 30.0


async def start_programs(world: World) -> Details:
    """Start Home Assistant, the broker and the aggregator."""
    await asyncio.gather(world.aggregator.start(), world.home.start())
    return {"home_assistant": world.home.client.base_url}


async def set_up_home(world: World) -> Details:
    """Walk "Try it with a virtual car" over REST."""
    world.ocpp_port = free_port()
    password = secrets.token_hex(20)
    _write_private(world, password)
    flow = await Flow.start(world.home.client, DOMAIN)
    flow.expect("menu", "user")
    await flow.submit({"next_step_id": "virtual"})
    flow.expect("form", "virtual")
    await flow.submit(
        {
            "ocpp_port": world.ocpp_port,
            "virtual": "own_process",
            "identity": STATION_ID,
            "password": password,
        }
    )
    created = flow.expect("create_entry")
    await _stay_on_loopback(world)
    return {"entry": created["title"], "ocpp_port": world.ocpp_port}


async def choose_grid_meter(world: World, entity_id: str) -> Details:
    """Choose the meter of the home's connection: three phases of 63 A."""
    flow = await Flow.start_options(world.home.client, await _entry_id(world))
    flow.expect("form", "init")
    await flow.submit({"grid_entity": entity_id})
    flow.expect("form", "signs")
    await flow.submit({"grid_inverted": False})
    flow.expect("form", "wiring")
    await flow.submit({"phase_count": "3", "fuse_a": 63})
    flow.expect("create_entry")
    await _until_loaded(world)
    return {"grid_meter": entity_id}


async def connect_station(world: World) -> Details:
    """Start the station and wait until it is registered, read and made safe."""
    await world.station.start(world.station_url, STATION_ID)

    async def is_registered() -> dict[str, Any] | None:
        status = await world.station.status()
        return status if status["is_registered"] else None

    status = await until_async(
        is_registered, LINK_TIMEOUT_S, "an accepted BootNotification"
    )
    floor = await world.until_measured(
        _floor_answer,
        READY_TIMEOUT_S,
        "the device model read and a TxDefaultProfile accepted",
        lambda: [call.action for call in world.station.measured.calls],
    )

    async def has_evse() -> bool:
        await world.entities.refresh()
        return world.entities.state("sensor", f"{EVSE}_state") is not None

    await until_async(has_evse, READY_TIMEOUT_S, f"entities of {EVSE}")
    await until(
        lambda: world.entities.state("binary_sensor", f"{STATION_ID}_0_link") == "on",
        READY_TIMEOUT_S,
        "the link shown as on",
    )
    asked = sorted({call.action for call in world.station.measured.calls})
    return {"protocol": status["protocol"], "floor_profile": floor, "calls": asked}


async def join_programme(world: World) -> Details:
    """Enrol in the programme through its dialog: key, request, certificate, broker."""
    entry_id = await _entry_id(world)
    invitation = await world.invite()
    flow = await Flow.start_subentry(world.home.client, entry_id, "vpp_programme")
    flow.expect("menu", "user")
    await flow.submit({"next_step_id": "invitation"})
    flow.expect("form", "invitation")
    await flow.submit({"invitation": json.dumps(invitation)})
    flow.expect("menu", "enrol")
    await flow.submit({"next_step_id": "online"})
    flow.expect("form", "online")
    await flow.submit({})
    flow.expect("create_entry")

    async def is_linked() -> bool:
        await world.entities.refresh()
        link = world.entities.state("binary_sensor", f"{PROGRAMME}_link")
        home = await world.aggregator.home()
        return link == "on" and home["status"] == "online" and home["offer"] is not None

    await until_async(
        is_linked,
        PROGRAMME_TIMEOUT_S,
        "a trusted link to the aggregator",
        lambda: world.entities.state("binary_sensor", f"{PROGRAMME}_link"),
    )
    return {"programme": invitation["programme_name"]}


async def plug_in(world: World) -> Details:
    """Plug the car in; V2X is authorised, and the car charges as the meter says."""
    await world.station.act("plug")

    async def has_transaction() -> dict[str, Any] | None:
        status = await world.station.status()
        return status if status["transaction_id"] else None

    await until_async(has_transaction, AUTHORISED_TIMEOUT_S, "a transaction")
    await until(
        lambda: world.entities.state("binary_sensor", f"{VEHICLE}_v2g_capable") == "on",
        AUTHORISED_TIMEOUT_S,
        "the car known as V2G capable",
        lambda: world.entities.state("binary_sensor", f"{VEHICLE}_v2g_capable"),
    )
    await until(
        lambda: world.entities.state("sensor", f"{EVSE}_state") == "charging",
        CHARGING_TIMEOUT_S,
        "state charging",
        lambda: world.entities.state("sensor", f"{EVSE}_state"),
    )
    states = [
        change.state for change in world.entities.changes("sensor", f"{EVSE}_state")
    ]
    walked = _without_repeats(states)
    expect(
        walked[-3:] == ["available", "idle", "charging"],
        "the states available, idle, charging",
        walked,
    )
    power_w = world.entities.number("sensor", f"{EVSE}_power")
    true_w = (await world.station.read()).power_w
    status = await world.station.status()
    expect(status["is_bidirectional"], "a bidirectional session", status)
    soc = await until(
        lambda: world.entities.number("sensor", f"{VEHICLE}_soc"),
        CHARGING_TIMEOUT_S,
        "a state of charge",
    )
    expect(abs(soc - status["soc_percent"]) <= 2, "the car's own charge", soc)
    return {
        "states": walked,
        "power_w": round(power_w),
        "true_power_w": round(true_w),
        "soc_percent": soc,
        "dead_time_s": PLANT.dead_time_s,
    }


def _floor_answer(measured: Measured) -> str | None:
    """Return the station's answer to the floor profile once the model was read."""
    has_read = any(
        call.action in {"GetBaseReport", "GetVariables"} for call in measured.calls
    )
    for call in measured.calls_since(0, {"SetChargingProfile"}):
        profile = call.payload.get("chargingProfile", {})
        if profile.get("chargingProfilePurpose") == "TxDefaultProfile" and has_read:
            answer = measured.answers.get(call.id, {})
            if answer.get("status") == "Accepted":
                return "Accepted"
    return None


def _without_repeats(states: list[str]) -> list[str]:
    found: list[str] = []
    for state in states:
        if not found or found[-1] != state:
            found.append(state)
    return found


def _write_private(world: World, password: str) -> None:
    path = world.directory / "station_password"
    path.touch(mode=0o600)
    path.write_text(password, encoding="ascii")


async def _entry_id(world: World) -> str:
    entries = await world.home.client.entries(DOMAIN)
    if len(entries) != 1 or entries[0]["state"] != "loaded":
        raise RigError(f"expected one loaded entry, saw {entries}")
    return str(entries[0]["entry_id"])


async def _stay_on_loopback(world: World) -> None:
    """Take the listener off the network: this home is a rehearsal."""
    entry_id = await _until_loaded(world)
    path = "/api/config/config_entries/flow"
    body = {"handler": DOMAIN, "entry_id": entry_id}
    flow = Flow(
        world.home.client,
        path,
        await world.home.client.request("POST", path, body=body),
    )
    flow.expect("form", "reconfigure")
    await flow.submit({**world.listener, "ocpp_host": LOOPBACK})
    if "ocpp_tls_port" in world.listener:
        flow.expect("form", "encryption")
        await flow.submit({})
    flow.expect("abort")
    await _until_loaded(world)


async def _until_loaded(world: World) -> str:
    seen: list[dict[str, Any]] = []

    async def loaded() -> str | None:
        seen[:] = await world.home.client.entries(DOMAIN)
        is_loaded = bool(seen) and seen[0]["state"] == "loaded"
        return str(seen[0]["entry_id"]) if is_loaded else None

    return await until_async(
        loaded,
        LOADED_TIMEOUT_S,
        "the entry loaded",
        lambda: [(entry["state"], entry["reason"]) for entry in seen],
    )
