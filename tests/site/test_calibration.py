"""The meter of a charger against a reference, in a home that runs."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.calibration import (
    Calibration,
    CalibrationProgress,
    CalibrationStep,
)
from custom_components.v2g_vpp.domain.errors import (
    MeterSilent,
    UnknownTarget,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.site.stop_desk import measured_w
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import Home
from tests.site.stores import MemoryStore
from tests.site.virtual_time import in_virtual_time

GAIN, OFFSET_W = 1.06, -90.0
"""What flows is this much of what the meter shows."""


class CrookedHome(Home):
    """Its charger's meter is off: the home sees less than flows."""

    def flowing_w(self, raw_w: float) -> float:
        return GAIN * raw_w + OFFSET_W

    async def compare(self, power_w: float) -> CalibrationProgress:
        """Hold a power and read the reference meter once a second."""
        await self.site.set_power(self.key, power_w, 600.0)
        await self.run(25)
        progress = None
        for _ in range(10):
            await self.run(1)
            reading = self.site._registry.evses[self.key].session.measurement.power_w
            assert reading is not None
            progress = await self.site.calibrate(
                self.key, self.flowing_w(reading.value)
            )
        assert progress is not None
        return progress


def _home() -> CrookedHome:
    return CrookedHome(plants=[replace(TYPICAL, noise_w=15.0)], store=MemoryStore())


@in_virtual_time
async def test_a_calibrated_meter_is_followed_shown_and_kept() -> None:
    home = _home()
    async with home:
        await home.grant()
        held = await home.compare(3_000.0)
        assert held.step is CalibrationStep.CHANGE_POWER
        assert home.evse.calibration is None
        done = await home.compare(-5_000.0)
        assert done.step is CalibrationStep.DONE
        line = home.evse.calibration
        assert line is not None
        assert line == done.calibration
        assert line.gain == pytest.approx(GAIN, abs=0.001)
        assert line.offset_w == pytest.approx(OFFSET_W, abs=5.0)
        assert home.evse.confidence.offset_discharge == 0.0, "learnt anew"

        await home.run(150)
        # What is followed and shown is what flows, not what the meter says.
        assert home.flowing_w(home.power_w) == pytest.approx(-5_000.0, abs=120.0)
        shown, raw = home.evse.measurement.power_w, home.evse.meter_power
        assert shown is not None
        assert raw is not None
        assert shown.value == pytest.approx(line.power_w(raw.value))
        # What protects reckons with the worse of both.
        record = home.site._registry.evses[home.key]
        now = home.clock.monotonic()
        newest = record.session.measurement.power_w
        assert newest is not None
        flowing_w = line.power_w(newest.value)
        assert measured_w(record, now) == min(newest.value, flowing_w)

        await home.site.stand_down()
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.calibration == line
        await home.site.clear_calibration(home.key)
        assert home.evse.calibration is None
        record = home.site._registry.evses[home.key]
        assert record.tracked_session is record.session


@in_virtual_time
async def test_a_refused_calibration_leaves_the_meter_as_it_was() -> None:
    home = _home()
    steps = []
    async with home:
        await home.grant()
        for power_w, shown_w in ((3_000.0, 3_000.0), (6_000.0, 7_500.0)):
            await home.site.set_power(home.key, power_w, 600.0)
            await home.run(60)
            for _ in range(10):
                await home.run(1)
                progress = await home.site.calibrate(home.key, shown_w)
                steps.append(progress.step)
        assert steps[-1] is CalibrationStep.GAIN_OUT_OF_RANGE
        assert home.evse.calibration is None


@in_virtual_time
async def test_without_a_meter_or_a_charger_there_is_nothing_to_compare() -> None:
    home = _home()
    async with home:
        await home.run(5)
        home.station.has_meter = False
        await home.run(5)
        with pytest.raises(MeterSilent):
            await home.site.calibrate(home.key, 0.0)
        with pytest.raises(UnknownTarget):
            await home.site.calibrate(EvseKey(StationId("other"), 1), 0.0)
        with pytest.raises(UnknownTarget):
            await home.site.clear_calibration(EvseKey(StationId("other"), 1))


@pytest.mark.parametrize("torn", [{"gain": 1.0}, {"gain": 2.0}, [1.0], {"gain": "x"}])
def test_a_torn_calibration_believes_the_meter(torn: Any) -> None:
    @in_virtual_time
    async def live() -> None:
        home = _home()
        async with home:
            await home.grant()
            record = home.site._registry.evses[home.key]
            record.calibration = Calibration(
                gain=1.05, offset_w=0.0, residual_w=1.0, samples=20, made_at=""
            )
            await home.site.stand_down()

            def tear(document: dict[str, Any]) -> None:
                kept = document["evses"][str(home.key)]["calibration"]
                whole = {**kept, **torn} if isinstance(torn, dict) else torn
                if torn == {"gain": 1.0}:
                    del whole["offset_w"]
                document["evses"][str(home.key)]["calibration"] = whole

            home.store.edit(tear)
            await home.restart()
            home.reconnect()
            await home.run(5)
            assert home.evse.calibration is None
            assert home.evse.faults == ()

    live()
