"""A charger behind entities, and all that it told."""

from dataclasses import dataclass, field
import time
from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.v2g_vpp.domain.events import (
    StationEvent,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    SetpointWrite,
    WriteResult,
)
from custom_components.v2g_vpp.entity_station import EntityStation
from custom_components.v2g_vpp.entity_station_teller import Teller
from custom_components.v2g_vpp.system_clock import SystemClock

POWER, STATE, NUMBER = "sensor.power", "sensor.plug", "input_number.setpoint"
DATA: dict[str, Any] = {
    "identity": "EC-garage",
    "name": "Garage",
    "profile": "generic",
    "profile_version": 1,
    "power_entity": POWER,
    "state_entity": STATE,
    "plugged_states": ["Connected"],
    "free_states": ["Free"],
    "write_way": "signed_number",
    "write_unit": "W",
    "setpoint_entity": NUMBER,
    "stop_way": "zero",
    "max_charge_power_w": 11_000,
    "max_discharge_power_w": 10_000,
    "unattended_charge_w": 0,
    "watchdog_s": 30,
    "settle_s": 5,
}


@dataclass
class World:
    """One charger, and all that it told."""

    hass: HomeAssistant
    data: dict[str, Any]
    events: list[StationEvent] = field(default_factory=list)
    lost: list[tuple[str, ...]] = field(default_factory=list)
    yielded: list[EvseKey] = field(default_factory=list)
    words: list[str | None] = field(default_factory=list)
    station: EntityStation = field(init=False)

    def __post_init__(self) -> None:
        teller = Teller(
            post=self.events.append,
            yield_to_external=self.yielded.append,
            show_lost=self.lost.append,
            show_word=self.words.append,
        )
        self.station = EntityStation(
            self.hass, self.data, teller, SystemClock(), firmware="generic 1"
        )

    def show(self, power: str = "0", state: str = "Connected") -> None:
        self.hass.states.async_set(POWER, power, {"unit_of_measurement": "W"})
        self.hass.states.async_set(STATE, state)

    async def settle(self) -> None:
        await self.hass.async_block_till_done()

    async def start(self) -> None:
        self.station.start()
        self.show()
        await self.settle()

    def lost_now(self) -> tuple[str, ...]:
        """Return the fields whose entities are lost."""
        return self.lost[-1]

    def of_kind[T](self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def transaction_id(self) -> TransactionId | None:
        running = None
        for event in self.of_kind(TransactionReported):
            is_end = event.phase is TransactionPhase.ENDED
            running = None if is_end else event.transaction_id
        return running

    async def write(self, power_w: float, *, age_s: float = 0.0) -> WriteResult:
        return await self.station.write_setpoint(
            SetpointWrite(
                key=self.station.key,
                power_w=power_w,
                transaction_id=self.transaction_id,
                decided_mono_s=time.monotonic() - age_s,
            )
        )

    def number(self) -> float:
        state = self.hass.states.get(NUMBER)
        assert state is not None
        return float(state.state)
