"""A meter that fell silent in a discharge is believed again at its usual pace only."""

from datetime import UTC, datetime

from custom_components.v2g_vpp.domain.events import MeasurementReported
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

NOTHING_W = 250.0


def tell_once(home: Home) -> None:
    """Tell the reading with which a transaction begins."""
    reading = Reading(
        value=0.0,
        received_mono_s=home.clock.monotonic(),
        taken_at=datetime(2026, 1, 15, tzinfo=UTC),
    )
    home.site.post(
        MeasurementReported(key=home.key, measurement=Measurement(power_w=reading))
    )


@in_virtual_time
async def test_the_first_reading_of_a_new_transaction_is_no_meter() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        first = home.evse
        assert first.has_transaction
        home.station.has_meter = False
        ended = len(home.station.ended)
        await home.until(lambda: len(home.station.ended) > ended, 60, "the end")
        await home.until(lambda: home.evse.has_transaction, 120, "another transaction")
        for _ in range(3):
            # Each change of its state brings one, of the same moment or seconds apart.
            tell_once(home)
            tell_once(home)
            for _ in range(12):
                await home.run(1)
                assert abs(home.power_w) <= NOTHING_W
        assert home.evse.discharge_blocked_by is Reason.METER_STALE
        home.station.has_meter = True
        await home.until(lambda: home.is_at(-5_000.0), 60, "the discharge again")
