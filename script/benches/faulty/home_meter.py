"""The meter of the home's connection: a household, and what the charger truly moves."""

import asyncio
import contextlib
from random import Random
import time
from typing import Final

from script.benches.faulty.away import ASK_S, AWAY
from script.rig.home_assistant import HomeAssistant
from script.rig.station_client import Station

ENTITY_ID: Final = "sensor.house_grid"
HOUSEHOLD_W: Final = 600.0
FLICKER_W: Final = 20.0
PERIOD_S: Final = 1.0
SEED: Final = 20_261_201


class HomeMeter:
    """Tells Home Assistant each second what is bought, positive, as a meter's reader does."""

    def __init__(self, home: HomeAssistant, station: Station) -> None:
        """Prepare; nothing is told yet."""
        self._home, self._station = home, station
        self._random = Random(SEED)  # noqa: S311 - a household, no secret
        self._task: asyncio.Task[None] | None = None
        self._outlet_w = 0.0
        self.is_mute = False
        self.is_turned = False
        """The clamp sits the wrong way round for the charger, not for the household."""

        self.told: list[float] = []
        """When it was heard (monotonic)."""

    async def start(self) -> None:
        """Tell once, and from then on."""
        await self._tell()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Tell nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            if not self.is_mute:
                with contextlib.suppress(*AWAY):
                    await self._tell()

    async def _tell(self) -> None:
        await self._look()
        outlet_w = -self._outlet_w if self.is_turned else self._outlet_w
        household_w = HOUSEHOLD_W + self._random.uniform(-FLICKER_W, FLICKER_W)
        async with asyncio.timeout(ASK_S):
            await self._home.client.request(
                "POST",
                f"/api/states/{ENTITY_ID}",
                body={
                    "state": f"{household_w + outlet_w:.0f}",
                    "attributes": {
                        "unit_of_measurement": "W",
                        "device_class": "power",
                        "state_class": "measurement",
                    },
                },
            )
        self.told.append(time.monotonic())

    async def _look(self) -> None:
        """Read what flows; nothing at a charger without power, still at a frozen one."""
        try:
            async with asyncio.timeout(ASK_S):
                status = await self._station.status()
        except TimeoutError:
            return
        except AWAY:
            self._outlet_w = 0.0
        else:
            self._outlet_w = status["true_power_w"]
