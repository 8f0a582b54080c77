"""Each single way in which the frequency does not ask for a power."""

from dataclasses import replace

from custom_components.v2g_vpp.control.gate_surroundings import GridFacts
from custom_components.v2g_vpp.domain.frequency_response import FrequencyResponse
from custom_components.v2g_vpp.domain.grid_profile import IEEE1547_CAT3_60HZ
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.gate_breaks import AT_49_9, Break, all_fields, with_power
from tests.control.given import NOW, order, reading
from tests.control.responses import CURVE, DROOP, curve


def frequency(value: float, age_s: float = 0.0) -> Break:
    seen = reading(value, NOW - age_s)
    return lambda i: replace(i, grid=replace(i.grid, frequency_hz=seen))


def response(asked: FrequencyResponse | None) -> Break:
    return lambda i: replace(i, order=i.order and replace(i.order, response=asked))


BY_FREQUENCY: dict[str, tuple[Break, Reason]] = {
    "nothing is asked for": (frequency(50.0), Reason.OUTPUT_GATE),
    "at the edge of the dead band": (frequency(49.99), Reason.OUTPUT_GATE),
    "charging is asked for": (frequency(50.1), Reason.OUTPUT_GATE),
    "much less is asked for": (frequency(49.96), Reason.OUTPUT_GATE),
    "a curve that asks for nothing here": (
        response(curve((49.0, -9_000.0), (49.9, 0.0), (50.1, 0.0))),
        Reason.OUTPUT_GATE,
    ),
    "a curve that charges here": (
        response(curve((49.0, 100.0), (51.0, 9_000.0))),
        Reason.OUTPUT_GATE,
    ),
    "no response": (response(None), Reason.OUTPUT_GATE),
    "not heard for a while": (frequency(49.9, 6.1), Reason.FREQUENCY_STALE),
    "frequency of the future": (frequency(49.9, -1.0), Reason.FREQUENCY_STALE),
    "never heard": (
        all_fields(grid=replace(AT_49_9, frequency_hz=None)),
        Reason.FREQUENCY_STALE,
    ),
    "no region": (
        all_fields(grid=GridFacts(frequency_hz=reading(49.9))),
        Reason.FREQUENCY_UNFIT,
    ),
    "another grid": (
        all_fields(grid=replace(AT_49_9, profile=IEEE1547_CAT3_60HZ)),
        Reason.FREQUENCY_UNFIT,
    ),
    "a droop of another grid": (
        response(replace(DROOP, nominal_hz=60.0)),
        Reason.FREQUENCY_UNFIT,
    ),
    "a setpoint with a response": (
        lambda i: replace(i, order=replace(order(-5_000.0), response=CURVE)),
        Reason.OUTPUT_GATE,
    ),
}
"""Breaks of an order that follows the frequency."""

AT_REST_BREAKS: dict[str, tuple[Break, Reason]] = {
    "nobody wants it": (all_fields(is_supporting=False), Reason.OUTPUT_GATE),
    "a mode is on": (
        lambda i: replace(i, policy=replace(i.policy, mode=Mode.SOLAR)),
        Reason.OUTPUT_GATE,
    ),
    "in the dead band": (frequency(49.81), Reason.OUTPUT_GATE),
    "charging is asked for": (frequency(50.4), Reason.OUTPUT_GATE),
    "more than is asked for": (with_power(-4_000.0), Reason.OUTPUT_GATE),
    "not heard for a while": (frequency(49.4, 6.1), Reason.FREQUENCY_STALE),
    "no region": (
        all_fields(grid=GridFacts(frequency_hz=reading(49.4))),
        Reason.FREQUENCY_UNFIT,
    ),
}
"""Breaks of what rests and follows the frequency."""
