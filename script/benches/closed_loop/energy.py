"""Energy of dispatches that last, the writes that it took, and the floor at their end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custom_components.v2g_vpp.domain.capability import DialectTiming, timing_of
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from custom_components.v2g_vpp.domain.units import energy_wh
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.rig import SUBSTEP_S, TICK_S

from . import peers, signals
from .loop import OCPP_2_1, ClosedLoop, Link, commissioned
from .plants import SteppedPlant, within_envelope_w

EVENT_S = 900
EVENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of some dispatches of one charger."""

    worst_share: float
    """Delivered over asked, furthest from 1 of all events."""

    peer_worst_share: float
    """The same of the best simpler way."""

    committed_share: float
    """Least share of what the plant can do that the home committed itself to."""

    writes_over_budget: int


def deliver(parameters: PlantParameters, seed: int, link: Link = OCPP_2_1) -> Delivered:
    """Return how the energy of four dispatches of a quarter hour was delivered."""
    plant = peers.seeded(parameters, seed)
    events = signals.events(seed, EVENTS, EVENT_S)
    loop = commissioned(plant, link)
    begun_s, committed = loop.now_s, list[float]()
    for power_w, duration_s in events:
        loop.ask(power_w, duration_s / 2)
        setpoint = loop.setpoint
        assert setpoint is not None
        # The setpoint corrects for the charger, so it may be more than was asked.
        committed.append(min(1.0, setpoint.power_w / within_envelope_w(plant, power_w)))
        loop.ask(power_w, duration_s / 2)
    # The end of the last window comes after its dead time.
    loop.ask(events[-1][0], plant.dead_time_s + TICK_S)
    powers_w = [power_w for at_s, power_w in loop.powers_w if at_s > begun_s]
    shares = _shares(plant, events, powers_w)
    open_w = _open_loop(plant, events)
    return Delivered(
        worst_share=max(shares, key=_miss),
        peer_worst_share=max(_shares(plant, events, open_w), key=_miss),
        committed_share=min(committed),
        writes_over_budget=writes_over_budget(
            loop.writes, timing_of(loop.evse.station.capability)
        ),
    )


def _miss(share: float) -> float:
    return abs(1.0 - share)


def _open_loop(
    plant: PlantParameters, events: Sequence[tuple[float, int]]
) -> list[float]:
    charger = SteppedPlant(plant)
    after = (events[-1][0], round(plant.dead_time_s) + 1)
    return [
        charger.step(SUBSTEP_S, power_w).power_w
        for power_w, duration_s in (*events, after)
        for _ in range(round(duration_s / SUBSTEP_S))
    ]


def _shares(
    plant: PlantParameters,
    events: Sequence[tuple[float, int]],
    powers_w: Sequence[float],
) -> list[float]:
    """Return delivered over asked, each window later by the dead time."""
    shift = round(plant.dead_time_s / SUBSTEP_S)
    shares, begin = list[float](), 0
    for power_w, duration_s in events:
        end = begin + round(duration_s / SUBSTEP_S)
        got_wh = energy_wh(sum(powers_w[begin + shift : end + shift]), SUBSTEP_S)
        shares.append(got_wh / energy_wh(within_envelope_w(plant, power_w), duration_s))
        begin = end
    return shares


def writes_over_budget(writes: Sequence[SetpointWrite], timing: DialectTiming) -> int:
    """Return how many regulation writes a bucket of the dialect would not have held.

    Counted anew from the writes alone. Refreshes of the same power, what goes towards
    0 and renewals are exempt, and so is what the caller says is a new command.
    """
    tokens, filled_s, over = float(timing.burst_writes), 0.0, 0
    told_w = 0.0
    for write in writes:
        at_s = write.decided_mono_s
        earned = (at_s - filled_s) / timing.write_interval_s
        tokens, filled_s = min(timing.burst_writes, tokens + earned), at_s
        is_less = abs(write.power_w) < abs(told_w) or write.power_w * told_w < 0
        is_exempt = write.power_w == told_w or is_less or write.is_renewal
        told_w = write.power_w
        if is_exempt:
            continue
        # Half a token for the rounding of the moments.
        over += tokens < 0.5
        tokens = max(0.0, tokens - 1.0)
    return over


def floor_overrun(
    parameters: PlantParameters, seed: int, link: Link = OCPP_2_1
) -> float:
    """Return what flowed below the floor over what the charger needs to stop.

    A small battery is discharged with all there is until its floor ends it.
    """
    loop = commissioned(peers.seeded(parameters, seed), link)
    _shrink_battery(loop, floor_percent=40.0 + seed)
    charger, policy = loop.charger, loop.evse.vehicle_policy
    assert policy is not None
    floor_wh = charger.capacity_wh * policy.reserve_percent / 100.0
    below_wh = largest_w = 0.0
    for _ in range(EVENT_S):
        before_wh, is_below = charger.discharged_wh, charger.stored_wh <= floor_wh
        largest_w = max(largest_w, abs(loop.power_w()))
        loop.ask(-11_000.0, TICK_S)
        if is_below:
            below_wh += charger.discharged_wh - before_wh
    ramp_s = largest_w / (2.0 * parameters.ramp_w_per_s)
    bound_wh = energy_wh(largest_w, parameters.dead_time_s + TICK_S + ramp_s)
    return below_wh / bound_wh


def _shrink_battery(loop: ClosedLoop, floor_percent: float) -> None:
    loop.charger.capacity_wh = 10_000.0
    loop.charger.stored_wh = 100.0 * (floor_percent + 5.0)
    vehicle, policy = loop.evse.vehicle, loop.evse.vehicle_policy
    assert vehicle is not None
    assert policy is not None
    loop.evse = replace(
        loop.evse,
        vehicle=replace(vehicle, capacity_wh=loop.charger.capacity_wh),
        vehicle_policy=replace(policy, reserve_percent=floor_percent),
    )
