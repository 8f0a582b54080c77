"""Simpler ways to tell a charger what is asked, on the same plant."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import copysign, exp

from custom_components.v2g_vpp.domain.units import clamp
from custom_components.v2g_vpp.virtual.plant import PlantParameters

from .plants import SteppedPlant, offset_w, within_envelope_w
from .signals import REGULATION_CORRELATION_S

SLOW_LOOP_S = 30
NAIVE_GAIN = 0.5
"""Of the error that is added to the setpoint each second."""

type Peer = Callable[[float, float], float]
"""What to tell now, W, given what is asked and what the meter shows."""


def follow(
    peer: Peer, parameters: PlantParameters, signal: Sequence[float]
) -> Sequence[float]:
    """Return what the meter shows each second while a peer follows a signal."""
    plant = SteppedPlant(parameters)
    metered_w: list[float] = []
    for asked_w in signal:
        metered_w.append(plant.measured_w())
        told_w = peer(asked_w, metered_w[-1])
        limit_w = parameters.max_charge_power_w
        plant.step(1.0, clamp(told_w, -limit_w, limit_w))
    return metered_w


def open_loop() -> Peer:
    """Tell what is asked."""
    return lambda asked_w, _metered_w: asked_w


def calibrated(parameters: PlantParameters) -> Peer:
    """Tell what is asked less the true offset, nothing within the dead zone."""
    minimum_w = parameters.minimum_power_w

    def tell(asked_w: float, _metered_w: float) -> float:
        if abs(asked_w) < minimum_w:
            return 0.0
        return asked_w - offset_w(parameters, asked_w)

    return tell


def predicting(parameters: PlantParameters) -> Peer:
    """Tell, calibrated, what will most likely be asked after the dead time.

    It knows how long the signal remembers.
    """
    kept = exp(-parameters.dead_time_s / REGULATION_CORRELATION_S)
    tell = calibrated(parameters)
    return lambda asked_w, metered_w: tell(kept * asked_w, metered_w)


def oracle(parameters: PlantParameters) -> Peer:
    """Tell what makes flow what is asked, as far as the plant can: it knows all."""

    def tell(asked_w: float, _metered_w: float) -> float:
        possible_w = within_envelope_w(parameters, asked_w)
        if possible_w == 0:
            return 0.0
        told_w = possible_w - offset_w(parameters, possible_w)
        return copysign(max(abs(told_w), parameters.minimum_power_w), told_w)

    return tell


def slow_loop() -> Peer:
    """Tell what is asked, each 30 s."""
    state = {"second": 0.0, "told_w": 0.0}

    def tell(asked_w: float, _metered_w: float) -> float:
        if state["second"] % SLOW_LOOP_S == 0:
            state["told_w"] = asked_w
        state["second"] += 1
        return state["told_w"]

    return tell


def naive_integral() -> Peer:
    """Add a share of the error to the setpoint each second."""
    state = {"told_w": 0.0}

    def tell(asked_w: float, metered_w: float) -> float:
        told_w = state["told_w"] + NAIVE_GAIN * (asked_w - metered_w)
        state["told_w"] = clamp(told_w, -11_000.0, 11_000.0)
        return state["told_w"]

    return tell


def seeded(parameters: PlantParameters, seed: int) -> PlantParameters:
    """Return the same charger with another noise of its meter."""
    return replace(parameters, seed=seed)
