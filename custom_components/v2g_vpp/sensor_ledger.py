"""Sensors of a programme from its ledger: promised, kept and earned."""

from datetime import datetime, timedelta
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import UnitOfEnergy, UnitOfRatio
from homeassistant.core import callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .coordinator import V2gConfigEntry
from .domain.ledger_picture import Earning
from .domain.settlement import amount
from .domain.snapshot import ProgrammeSnapshot
from .entity import ProgrammeEntity
from .sensor_descriptions import V2gSensorDescription

EARNINGS_REFRESH: Final = timedelta(minutes=15)
"""How late a new month may show."""


def _score(programme: ProgrammeSnapshot) -> float | None:
    ledger = programme.ledger
    return None if ledger is None else ledger.score_percent


LEDGER_SENSORS: Final[tuple[V2gSensorDescription[ProgrammeSnapshot], ...]] = (
    V2gSensorDescription(
        key="committed_energy",
        translation_key="committed_energy",
        # Energy that is promised is none that a meter counted.
        device_class=SensorDeviceClass.ENERGY_STORAGE,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda programme: programme.committed_wh,
    ),
    V2gSensorDescription(
        key="performance_score",
        translation_key="performance_score",
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=_score,
    ),
)

EARNINGS: Final = SensorEntityDescription(
    key="earnings_month",
    translation_key="earnings_month",
    device_class=SensorDeviceClass.MONETARY,
    state_class=SensorStateClass.TOTAL,
    suggested_display_precision=2,
)


def earned(
    earnings: tuple[Earning, ...], currency: str, begin: datetime
) -> tuple[float, str]:
    """Return what was earned since a moment, and in which currency.

    Args:
        earnings: of the ledger, the newest last.
        currency: of the home, for a programme that has not paid yet.
        begin: of the month.
    """
    currency = earnings[-1].currency if earnings else currency
    total = sum(
        one.amount_minor
        for one in earnings
        if one.started_at >= begin and one.currency == currency
    )
    return amount(total, currency), currency


class EarningsSensor(ProgrammeEntity, SensorEntity):
    """What a programme paid for the events of this month."""

    def __init__(
        self, entry: V2gConfigEntry, subentry: ConfigSubentry, currency: str
    ) -> None:
        """Build the sensor of a home with a currency."""
        super().__init__(entry, subentry, EARNINGS)
        self._currency = currency
        self._attr_native_unit_of_measurement = currency

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(
            async_track_time_interval(self.hass, self._time_passed, EARNINGS_REFRESH)
        )
        await super().async_added_to_hass()

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        begin = dt_util.start_of_local_day().replace(day=1)
        self._attr_last_reset = begin
        self._attr_native_value = None
        if part.ledger is not None:
            self._attr_native_value, self._attr_native_unit_of_measurement = earned(
                part.ledger.earnings, self._currency, begin
            )
        return begin, self._attr_native_value

    @callback
    def _time_passed(self, _now: object) -> None:
        self._look_again()
