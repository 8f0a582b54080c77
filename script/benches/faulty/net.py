"""Lines that go bad: silent, lossy, slow, and with messages twice or out of turn."""

from collections.abc import Iterator
from typing import Final

from script.benches.faulty.fault import LOST_S, Fault, Step
from script.benches.faulty.framing import Chunks, MqttPackets
from script.benches.faulty.lines import FAIR, Weather
from script.benches.faulty.processes import NO_CHARGER, NO_LINK
from script.benches.faulty.world import FaultyWorld

SILENT: Final = Weather(is_silent=True)
LOSSY: Final = Weather(loss=0.2)
SLOW: Final = Weather(delay_s=2.0)
REPEATING: Final = Weather(repeated=0.5)
REORDERING: Final = Weather(reordered=0.3)

LOSS_LATE_S: Final = 5.0
"""One piece in 1,500 waits for four retransmissions, 4.5 s; one in five waits once."""

DELAY_LATE_S: Final = 6.0
"""The way itself, and the answer to the call before it: OCPP has one call under way."""

REORDER_LATE_S: Final = 6.0
"""A message that is overtaken waits for the next: a refresh comes each 5 s."""


def _ocpp(weather: Weather) -> Step:
    async def begin(world: FaultyWorld) -> None:
        world.ocpp_line.weather = weather

    return begin


def _mqtt(weather: Weather) -> Step:
    async def begin(world: FaultyWorld) -> None:
        world.mqtt_line.weather = weather

    return begin


def _mqtt_packets(weather: Weather) -> Step:
    async def begin(world: FaultyWorld) -> None:
        await world.mqtt_line.look_into(world.broker_ends(), MqttPackets)
        world.mqtt_line.weather = weather

    return begin


async def _mqtt_mended(world: FaultyWorld) -> None:
    world.mqtt_line.weather = FAIR
    if world.mqtt_line.ends is not None:
        await world.mqtt_line.look_into(None, Chunks)


def _lines() -> Iterator[Fault]:
    yield Fault(
        name="ocpp_half_open",
        text="line to the charger half-open",
        begin=_ocpp(SILENT),
        end=_ocpp(FAIR),
        lasts_s=LOST_S,
        stops=True,
        shown=(NO_CHARGER,),
    )
    yield Fault(
        name="mqtt_half_open",
        text="line to the broker half-open",
        begin=_mqtt(SILENT),
        end=_mqtt_mended,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        shown=(NO_LINK,),
    )
    for name, text, weather, late_s in (
        ("loss", "20 % loss", LOSSY, LOSS_LATE_S),
        ("delay", "2 s delay each way", SLOW, DELAY_LATE_S),
        ("repeat", "half of the messages twice", REPEATING, 0.0),
        ("reorder", "messages out of turn", REORDERING, REORDER_LATE_S),
    ):
        yield Fault(
            name=f"ocpp_{name}",
            text=f"{text} to and from the charger",
            begin=_ocpp(weather),
            end=_ocpp(FAIR),
            late_s=late_s,
        )
        is_of_packets = weather.repeated > 0 or weather.reordered > 0
        yield Fault(
            name=f"mqtt_{name}",
            text=f"{text} to and from the broker",
            begin=(_mqtt_packets if is_of_packets else _mqtt)(weather),
            end=_mqtt_mended,
            stands_between=is_of_packets,
        )


LINES: Final = tuple(_lines())
