"""The conformance scenarios as data, and what each test of one gets."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
import json
from pathlib import Path
from typing import Any

from custom_components.v2g_vpp.csms.versions import V16
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import Dialler, Peer, Rig

SCENARIOS: dict[str, dict[str, Any]] = {
    entry["id"]: entry
    for entry in json.loads(Path(__file__).with_name("scenarios.json").read_text())
}

VERSIONS = {
    "2.1": ("ocpp2.1",),
    "2.0.1": ("ocpp2.0.1",),
    "2.x": ("ocpp2.1", "ocpp2.0.1"),
    "all": ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"),
    "1.6": ("ocpp1.6",),
}
"""Which of the sub-protocols served a scenario is run on."""


class Scene:
    """A listener and a way to dial in, for one scenario on one version."""

    def __init__(self, rig: Rig, dialler: Dialler, protocol: str) -> None:
        self.rig = rig
        self.dialler = dialler
        self.protocol = protocol

    async def peer(self, **options: Any) -> Peer:
        """A station that has dialled in and said nothing."""
        return await self.dialler.dial((self.protocol,), **options)

    async def booted(self) -> Peer:
        """A station that was accepted and answers nothing."""
        peer = await self.peer()
        made = ChargePoint(peer) if self.is_16 else Charger(peer)
        await made.boot()
        return peer

    @property
    def is_16(self) -> bool:
        return self.protocol == V16.protocol

    async def charge_point(self, **keys: str) -> ChargePoint:
        """A sound 1.6 charge point with everything read and confirmed."""
        point = ChargePoint(await self.peer(), **keys)
        await point.boot()
        await point.ready(self.rig.sink)
        return point

    async def charger(self) -> Charger:
        """A sound station with everything read and confirmed."""
        charger = Charger(await self.peer())
        await charger.boot()
        await charger.ready(self.rig.sink)
        return charger

    async def plugged(self, transaction_id: str = "t1") -> Charger:
        """A sound station with a transaction."""
        charger = await self.charger()
        await charger.plug(transaction_id)
        return charger


type Play = Callable[[Scene], Awaitable[None]]


class Plays:
    """The tests of scenarios by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, Play] = {}

    def of(self, *scenario_ids: str) -> Callable[[Play], Play]:
        def register(play: Play) -> Play:
            for scenario_id in scenario_ids:
                assert scenario_id in SCENARIOS
                assert scenario_id not in self.by_id
                self.by_id[scenario_id] = play
            return play

        return register


def frame_of(scenario_id: str) -> Any:
    """Return the frame that a scenario sends."""
    return deepcopy(SCENARIOS[scenario_id]["frame"])
