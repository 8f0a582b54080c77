"""Chargers behind entities of Home Assistant: one without a zero, and one in a cloud.

A device integration stands between a charger and its entities: it looks at it each
so often, and takes an action. Here these are an event and an action of the domain
``test_charger``; the entities themselves are Home Assistant's own ``template``.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component

from custom_components.v2g_vpp.virtual.plant import FAST, PlantParameters

from .charger import PlantCharger

DOMAIN: Final = "test_charger"
REPORTED: Final = "test_charger_reported"
VOLT_V: Final = 230.0

POWER: Final = "sensor.charger_power"
STATE: Final = "sensor.charger_state"
SOC: Final = "sensor.charger_state_of_charge"
FAULT: Final = "sensor.charger_fault"
SETPOINT: Final = "number.charger_setpoint"
SCRIPT: Final = "script.charger_set_power"
ENABLED: Final = "switch.charger_enabled"

REST_W: Final = 60.0
MINIMUM_W: Final = 1_000.0
PLANT: Final = replace(FAST, minimum_power_w=MINIMUM_W)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What kind of charger stands behind the entities."""

    unit: str = "W"
    largest: float = 11_000.0
    """Of the setpoint, in its unit, both ways."""

    step: float = 1.0
    read_period_s: float = 1.0
    has_zero: bool = True
    """False: a setpoint nearer to 0 than its minimum is a fault."""

    reverts_after_s: float | None = None
    """It forgets a setpoint so long after it was told."""

    reverts_to: float = 0.0
    """And follows this one again, in the unit of its setpoint."""

    idle_timeout_s: float | None = None
    plant: PlantParameters = PLANT

    def watts(self, value: float) -> float:
        """Return the power of a setpoint, W."""
        return value * VOLT_V if self.unit == "A" else value


PLAIN: Final = Kind()
"""Signed watts, read each second; it goes on for ever."""

NEVER_ZERO: Final = Kind(has_zero=False)
CLOUD: Final = Kind(
    unit="A",
    largest=32.0,
    read_period_s=90.0,
    reverts_after_s=240.0,
    reverts_to=6.0,
    plant=replace(PLANT, minimum_power_w=1_380.0, dead_time_s=7.0),
)
"""Whole amperes through a cloud that is asked each 90 s."""


class EntityPlant:
    """The charger, what its integration knows of it, and the action that it takes."""

    def __init__(
        self,
        hass: HomeAssistant,
        now: Callable[[], float],
        kind: Kind = PLAIN,
        *,
        soc_percent: float = 60.0,
    ) -> None:
        """Entering the context makes the entities and begins to report."""
        self.hass, self.kind = hass, kind
        self.charger = PlantCharger(
            kind.plant,
            now,
            soc_percent=soc_percent,
            idle_timeout_s=kind.idle_timeout_s,
        )
        self.is_online = True
        self.is_silent = False
        """It still takes what it is told, but nobody reads it."""

        self.is_deaf = False
        """It says yes to what it is told, and goes on as before."""

        self.is_faulted = False
        self.is_enabled = True
        self.written: list[float] = []
        """Every setpoint that was written, in its unit."""

        self.heard: list[tuple[float, float]] = []
        """The same with its time, deaf or not."""

        self.setpoint = 0.0 if kind.has_zero else kind.reverts_to
        self._now = now
        self._written_s: float | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.hass.services.async_register(DOMAIN, "tell", self._take)
        self.hass.services.async_register(DOMAIN, "enable", self._enable)
        assert await async_setup_component(
            self.hass, "template", {"template": entities(self.kind)}
        )
        assert await async_setup_component(self.hass, "script", SCRIPTS)
        await self.hass.async_block_till_done()
        self._task = self.hass.async_create_background_task(self._run(), "charger")
        self.report()
        await self.hass.async_block_till_done()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def power_w(self) -> float:
        """What truly flows, W."""
        self._look()
        return self.charger.power_w

    def write(self, value: float) -> None:
        """Take a setpoint in the unit of the charger, whoever wrote it."""
        self._look()
        self.written.append(value)
        self.heard.append((self._now(), value))
        if self.is_deaf:
            self.charger.hear()
            return
        self._written_s = self._now()
        self.setpoint = value
        if not self.kind.has_zero and abs(self.kind.watts(value)) < MINIMUM_W:
            self.is_faulted = True
        self._follow()

    def report(self) -> None:
        """Let the integration read the charger, and tell its entities."""
        self._look()
        if self.is_silent:
            return
        self.hass.bus.async_fire(
            REPORTED,
            {
                "online": self.is_online,
                "power": round(self.charger.measured_w),
                "state": "plugged" if self.charger.is_plugged else "free",
                "soc": round(self.charger.soc_percent, 1),
                "fault": "fault" if self.is_faulted else "ok",
                "setpoint": self.setpoint,
                "enabled": self.is_enabled,
            },
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.kind.read_period_s)
            self.report()

    async def _take(self, call: ServiceCall) -> None:
        self.write(float(call.data["value"]))
        # An integration reads again after it has written.
        self.report()

    async def _enable(self, call: ServiceCall) -> None:
        self._look()
        self.is_enabled = bool(call.data["on"])
        self._follow()
        self.report()

    def _look(self) -> None:
        self.charger.catch_up()
        after_s, written_s = self.kind.reverts_after_s, self._written_s
        if after_s is None or written_s is None or self._now() - written_s < after_s:
            return
        self._written_s = None
        self.setpoint = self.kind.reverts_to
        self._follow()

    def _follow(self) -> None:
        is_on = self.is_enabled and not self.is_faulted
        power_w = self.kind.watts(self.setpoint) if is_on else 0.0
        self.charger.tell(power_w if self.charger.is_plugged else 0.0)


def _of_event(name: str) -> str:
    return f"{{{{ trigger.event.data.{name} }}}}"


def entities(kind: Kind) -> list[Mapping[str, Any]]:
    """Return the configuration of the template entities of a charger."""

    def sensor(name: str, key: str, **more: str) -> Mapping[str, Any]:
        return {
            "name": f"Charger {name}",
            "unique_id": f"charger_{key}",
            "state": _of_event(key),
            "availability": _of_event("online"),
            **more,
        }

    return [
        {
            "triggers": [{"trigger": "event", "event_type": REPORTED}],
            "sensor": [
                sensor("power", "power", unit_of_measurement="W"),
                sensor("state", "state"),
                sensor("state of charge", "soc", unit_of_measurement="%"),
                sensor("fault", "fault"),
            ],
            "number": [
                {
                    "name": "Charger setpoint",
                    "unique_id": "charger_setpoint",
                    "state": _of_event("setpoint"),
                    "availability": _of_event("online"),
                    "min": -kind.largest,
                    "max": kind.largest,
                    "step": kind.step,
                    "unit_of_measurement": kind.unit,
                    "set_value": {
                        "action": f"{DOMAIN}.tell",
                        "data": {"value": "{{ value }}"},
                    },
                }
            ],
            "switch": [
                {
                    "name": "Charger enabled",
                    "unique_id": "charger_enabled",
                    "state": _of_event("enabled"),
                    "turn_on": {"action": f"{DOMAIN}.enable", "data": {"on": True}},
                    "turn_off": {"action": f"{DOMAIN}.enable", "data": {"on": False}},
                }
            ],
        }
    ]


SCRIPTS: Final[dict[str, Any]] = {
    "script": {
        "charger_set_power": {
            "alias": "Charger set power",
            "mode": "queued",
            "fields": {"power_w": {}, "duration_s": {}},
            "sequence": [
                {
                    "action": f"{DOMAIN}.tell",
                    "data": {"value": "{{ power_w }}"},
                }
            ],
        }
    }
}
