"""Live with 20 stations for hours: what grows, what lags, what energy gets lost.

A real Home Assistant with its recorder, 20 virtual stations in a process of their own with
a message a second each, the reference aggregator over a real mosquitto with TLS, and a
second Home Assistant with the same home to which nobody dials, for what the machine and
Home Assistant themselves do.

Nothing runs faster than it does: control, plants, meters and batteries live in real time.
Compressed is only how often something happens. Cars come and go, links break and stations
reboot every few minutes, events follow each other without a pause; the figure `home_days`
tells how many days of a home with two visits a day that makes. A quick run only charges,
because a self-test takes minutes.
"""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import asdict
import json
from pathlib import Path
import tempfile
from time import monotonic
from typing import Any

from script.benches.result import Bench, Figure, Target, at_least, at_most
from script.benches.soaking import balance
from script.benches.soaking.figures import difference_percent
from script.benches.soaking.home import (
    DISPATCHED,
    LOOPBACK,
    PASSWORD,
    PROTOCOLS,
    VEHICLES,
    set_up,
)
from script.benches.soaking.life import CHARGE_W, SIGNAL_W, Life
from script.benches.soaking.proof import evse, make_ready, prove
from script.benches.soaking.stations import Stations
from script.benches.soaking.watch import Watched
from script.rig.home_assistant import HomeAssistant
from script.rig.processes import Supervisor, free_port
from script.rig.scenario_setup import join_programme
from script.rig.world import World, open_world

SAMPLE_S = 10.0
QUICK_HOURS = 75.0 / 3600.0
HOURS = 1.0
EVENT_S = 294.0
QUICK_EVENT_S = 54.0
VISIT_S = 120.0
QUICK_VISIT_S = 60.0
SETTLE_S = 30.0
"""After the last car has gone: the last report is written and shown."""

QUICK_SETTLE_S = 5.0

VISITS_PER_DAY = 2.0
HOURS_PER_YEAR = 8766.0
BYTES_PER_MIB = 1 << 20
CENSUS = "/api/services/soak_probe/census"


def hours_of(argv: list[str]) -> tuple[float | None, Path | None, list[str]]:
    """Return how long, where to keep what was written, and the other options."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--hours", type=float, help=f"how long, {HOURS:g} by itself")
    parser.add_argument("--keep", type=Path, help="folder for all that is written")
    options, rest = parser.parse_known_args(argv)
    return options.hours, options.keep, rest


def main(argv: list[str]) -> int:
    """Run the benchmark; return the exit code."""
    hours, keep, rest = hours_of(argv)
    bench = Bench.from_arguments("soak", rest, __doc__)
    hours = hours or (QUICK_HOURS if bench.is_quick else HOURS)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        figures = asyncio.run(soak(bench, hours, keep))
    else:
        with tempfile.TemporaryDirectory(prefix="v2g-soak-") as name:
            figures = asyncio.run(soak(bench, hours, Path(name)))
    for name, figure in figures.items():
        bench.say("%-36s %s", name, figure)
    return bench.finish(figures, targets(bench))


def targets(bench: Bench) -> Mapping[str, Target]:
    """Return what is held; a short run cannot tell a slope from a wave."""
    always = {
        # Whole Wh are told, and a short run has few of them.
        "entities_off_percent": at_most(0.5 if bench.is_quick else 0.1),
        "messages_per_station_s": at_least(0.9),
        "reports_missing": at_most(0.0),
        "links_missing": at_most(0.0),
    }
    if bench.is_quick:
        return always
    return always | {
        "entities_worst_off_percent": at_most(0.1),
        "ledger_off_percent": at_most(0.1),
        # Resident memory also holds what is free between what is used, and a cache of
        # the recorder's that fills for hours; a leak shows in what is in use.
        "in_use_kib_per_h": at_most(1024.0),
        "blocks_per_h": at_most(20_000.0),
        "tasks_per_h": at_most(1.0),
        "threads_per_h": at_most(0.5),
        "fds_per_h": at_most(1.0),
        # What stations remember is bounded by count; an hour does not fill all of it.
        "store_bytes": at_most(524_288.0),
        "lag_p999_beyond_idle_ms": at_most(50.0),
    }


async def soak(bench: Bench, hours: float, folder: Path) -> dict[str, Figure]:
    """Set everything up, live, and return every figure."""
    async with (
        open_world(folder, http_port=free_port()) as world,
        Supervisor(folder / "logs_more") as supervisor,
    ):
        idle = HomeAssistant(supervisor, folder / "idle", free_port())
        try:
            port, _, _ = await asyncio.gather(
                set_up(world.home), set_up(idle), world.aggregator.start()
            )
            await idle.socket.close()
            return await _with_stations(bench, hours, world, idle, supervisor, port)
        finally:
            await idle.close()


async def _with_stations(
    bench: Bench,
    hours: float,
    world: World,
    idle: HomeAssistant,
    supervisor: Supervisor,
    port: int,
) -> dict[str, Figure]:
    await join_programme(world)
    stations = await Stations.start(
        supervisor, f"ws://{LOOPBACK}:{port}/", PASSWORD, PROTOCOLS, VEHICLES
    )
    try:
        await make_ready(world.entities, stations)
        if not bench.is_quick:
            bench.say("proving %d stations", len(DISPATCHED))
            await prove(world.entities)
        return await _live(bench, hours, world, idle, stations)
    finally:
        await stations.stop()


async def _live(
    bench: Bench,
    hours: float,
    world: World,
    idle: HomeAssistant,
    stations: Stations,
) -> dict[str, Figure]:
    event_s = QUICK_EVENT_S if bench.is_quick else EVENT_S
    visit_s = QUICK_VISIT_S if bench.is_quick else VISIT_S
    await world.entities.refresh()
    ids = {
        f"{evse(one)}_{name}": world.entities.id("sensor", f"{evse(one)}_{name}")
        for one in PROTOCOLS
        for name in ("energy_charged", "energy_discharged")
    }
    # Following all states would cost the home more than the stations do.
    await world.home.socket.close()
    watched = [
        Watched(pid=home.process.pid, folder=home.directory)
        for home in (world.home, idle)
    ]
    await asyncio.sleep(QUICK_SETTLE_S if bench.is_quick else SETTLE_S)
    before = balance.metered(await stations.status())
    talked = await stations.status()
    for one in watched:
        one.begin()
    lowest_w = CHARGE_W if bench.is_quick else -SIGNAL_W
    life = Life(world, stations, seed=1, lowest_w=lowest_w)
    living = asyncio.create_task(life.run(event_s, visit_s))
    begin_s = monotonic()
    seconds = 3600.0 * hours
    is_counted = False
    while (now_s := monotonic() - begin_s) < seconds:
        if living.done():
            living.result()
        for one in watched:
            one.sample()
        if not is_counted and now_s > seconds / 2:
            is_counted = True
            await world.home.client.request("POST", CENSUS, body={})
        await asyncio.sleep(SAMPLE_S)
        bench.say("%4.0f min, %s", now_s / 60, dict(life.counts))
    took_s = monotonic() - begin_s
    await world.home.client.request("POST", CENSUS, body={})
    after_talk = await stations.status()
    life.end()
    await living
    for identity in PROTOCOLS:
        await stations.act("unplug", identity)
    await asyncio.sleep(SETTLE_S)
    final = await stations.status()
    truth = balance.metered(final)
    shown = await balance.shown(world.home.client, PROTOCOLS, ids)
    (ledger,) = (world.home.directory / ".storage").glob("v2g_vpp.ledger.*.jsonl")
    told = balance.told(ledger)
    energies = {
        one: {"metered": asdict(truth[one]), "shown": asdict(shown[one])}
        for one in truth
    }
    (world.directory / "energies.json").write_text(json.dumps(energies, indent=1))
    return {
        "hours": took_s / 3600.0,
        "home_days": life.counts["visits"] / VISITS_PER_DAY,
        **{name: float(count) for name, count in sorted(life.counts.items())},
        "messages_per_station_s": _sent(talked, after_talk) / took_s / len(PROTOCOLS),
        "links_missing": float(sum(not one["is_connected"] for one in final.values())),
        **growth(watched[0], watched[1]),
        **energy(truth, shown, told, before),
        "reports_missing": float(life.counts["events"] - told.reports + told.broken),
    }


def growth(home: Watched, idle: Watched) -> dict[str, Figure]:
    """Return what grew in the home, and beside it in the idle one."""
    probe, idle_probe = home.read_probe(), idle.read_probe()
    year = HOURS_PER_YEAR / BYTES_PER_MIB
    database, ledger = (home.slope_per_h(f"{n}_bytes") for n in ("database", "ledger"))
    return {
        "cpu_percent": home.cpu_percent(),
        "idle_cpu_percent": idle.cpu_percent(),
        "rss_mib": home.last("rss_kib") / 1024,
        "rss_kib_per_h": home.slope_per_h("rss_kib"),
        "idle_rss_kib_per_h": idle.slope_per_h("rss_kib"),
        "database_cache_kib": probe.span("database_kib")[1],
        "database_cache_kib_per_h": probe.slope_per_h("database_kib"),
        "in_use_kib_per_h": probe.difference_per_h("malloc_kib", "database_kib"),
        "blocks_per_h": probe.slope_per_h("blocks"),
        "idle_blocks_per_h": idle_probe.slope_per_h("blocks"),
        "tasks_most": probe.span("tasks")[1],
        "tasks_per_h": probe.slope_per_h("tasks"),
        "threads_most": probe.span("threads")[1],
        "threads_per_h": probe.slope_per_h("threads"),
        "fds_most": home.span("fds")[1],
        "fds_per_h": home.slope_per_h("fds"),
        "database_bytes_per_h": database,
        "database_mib_per_year": database * year,
        "ledger_bytes_per_h": ledger,
        "ledger_mib_per_year": ledger * year,
        "store_bytes": home.last("store_bytes"),
        "store_bytes_per_h": home.slope_per_h("store_bytes"),
        "log_bytes": home.last("log_bytes"),
        "lag_p50_ms": probe.late_ms(0.5),
        "lag_p999_ms": probe.late_ms(0.999),
        "idle_lag_p999_ms": idle_probe.late_ms(0.999),
        "lag_p999_beyond_idle_ms": probe.late_ms(0.999) - idle_probe.late_ms(0.999),
        "grown_objects": json.dumps(probe.grown_objects(8)),
    }


def energy(
    truth: balance.Energies,
    shown: balance.Energies,
    told: balance.Told,
    before: balance.Energies,
) -> dict[str, Figure]:
    """Return how meter, entities and ledger agree."""
    dispatched = {f"{one}/1": truth[one] - before[one] for one in DISPATCHED}
    meter_wh = _sum(dispatched)
    ledger_wh = sum(balance.gross(told.energy[one]) for one in dispatched)
    return {
        "metered_kwh": _sum(truth) / balance.WH_PER_KWH,
        "entities_off_percent": difference_percent(_sum(shown), _sum(truth)),
        "entities_worst_off_percent": balance.worst_percent(shown, truth),
        "dispatched_kwh": meter_wh / balance.WH_PER_KWH,
        "ledger_kwh": ledger_wh / balance.WH_PER_KWH,
        "ledger_off_percent": difference_percent(ledger_wh, meter_wh),
        "reports": float(told.reports),
    }


def _sum(energies: balance.Energies) -> float:
    return sum(map(balance.gross, energies.values()))


def _sent(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    return sum(after[one]["sent"] - before[one]["sent"] for one in after)
