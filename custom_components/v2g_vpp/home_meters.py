"""The meters of the home: states of other integrations become readings of the site.

Only what is reported while somebody listens counts. A state from before may have been
restored from disk, and a meter that is worth controlling by reports within seconds.
"""

from collections.abc import Collection, Iterable, Mapping
import logging
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)

from .const import (
    CONF_CHARGE_BATTERY,
    CONF_CHARGE_FROM_BATTERY,
    CONF_CIRCUIT,
    CONF_CIRCUIT_LIMIT_A,
    CONF_EXPORT_LIMIT_W,
    CONF_FUSE_A,
    CONF_GRID_SUPPORT,
    CONF_IDENTITY,
    CONF_IMBALANCE_LIMIT_W,
    CONF_IMPORT_LIMIT_W,
    CONF_PEAK_IMPORT_W,
    CONF_PHASE_COUNT,
    CONF_PHASE_MAP,
    CONF_REGULATOR,
    CONF_SOLAR_HOLD_OFF_S,
    CONF_SOLAR_HOLD_ON_S,
    CONF_TOP_UP_FROM_W,
    CONF_VIRTUAL,
    PHASE_MAP_UNKNOWN,
    STATION_SUBENTRIES,
    VIRTUAL_NO,
)
from .domain.clock import Clock
from .domain.grid_profile import GridProfile
from .domain.ids import MOST_EVSES, EvseKey, StationId
from .domain.measurement import Reading
from .domain.policy import PATIENT_SOLAR, SolarPolicy
from .domain.site_meters import (
    Circuit,
    MeterRegulator,
    PhaseMap,
    SiteMeter,
    SiteWiring,
)
from .grid_options import chosen_profile
from .readings import SILENT, MeterSource, meter_sources, meter_value
from .system_clock import SystemClock

_LOGGER = logging.getLogger(__name__)


class MeterSink(Protocol):
    """What takes the readings: the site."""

    def use_wiring(self, wiring: SiteWiring | None) -> None:
        """Take over how the home is wired."""

    def use_solar(self, policy: SolarPolicy) -> None:
        """Take over how the mode solar follows clouds."""

    def use_grid_profile(self, profile: GridProfile) -> None:
        """Take over what the region asks of a generator."""

    def use_grid_support(self, *, is_wanted: bool) -> None:
        """Take over whether what rests follows the frequency of the grid."""

    def use_meters(self, meters: tuple[SiteMeter, ...]) -> None:
        """Say which meters the home has."""

    def post_meter(self, meter: SiteMeter, reading: Reading | None) -> None:
        """Take a report of a meter; None: it is unavailable."""


class HomeMeters:
    """Listens to the entities that the owner named as meters."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        site: MeterSink,
        clock: Clock = SystemClock(),
    ) -> None:
        """Listen to nothing yet, and to nothing any more once the entry is unloaded."""
        self._hass, self._site, self._clock = hass, site, clock
        entry.async_on_unload(self.close)
        self._sources: tuple[MeterSource, ...] = ()
        self._unlisten: list[CALLBACK_TYPE] = []
        self._wrong: set[SiteMeter] = set()

    @callback
    def follow(self, entry: ConfigEntry[Any]) -> None:
        """Take over the meters and the wiring that are set up now."""
        stations = [
            subentry.data
            for subentry in entry.subentries.values()
            if subentry.subentry_type in STATION_SUBENTRIES
            and _is_wiring_readable(subentry.data)
        ]
        self._site.use_wiring(site_wiring(entry.data, entry.options, stations))
        self._site.use_solar(solar_policy(entry.options))
        self._site.use_grid_profile(chosen_profile(entry.data))
        self._site.use_grid_support(
            is_wanted=bool(entry.data.get(CONF_GRID_SUPPORT, False))
        )
        sources = meter_sources(entry.options)
        if sources == self._sources:
            return
        self.close()
        moved = {s.meter for s in set(sources) ^ set(self._sources)}
        self._sources = sources
        self._site.use_meters(tuple(source.meter for source in sources))
        for meter in moved:
            # What another entity said, or the same one with another sign, is void.
            self._site.post_meter(meter, None)
        entity_ids = {source.entity_id for source in sources}
        if entity_ids:
            self._unlisten = [
                async_track_state_change_event(self._hass, entity_ids, self._changed),
                async_track_state_report_event(self._hass, entity_ids, self._reported),
            ]

    @callback
    def close(self) -> None:
        """Listen to nothing any more."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        self._take(event.data["entity_id"], event.data["new_state"])

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["entity_id"], event.data["new_state"])

    def _take(self, entity_id: str, state: State | None) -> None:
        for source in self._sources:
            if source.entity_id == entity_id:
                value = meter_value(source, state)
                self._say_once(source, state, value)
                self._site.post_meter(source.meter, self._reading(state, value))

    def _reading(self, state: State | None, value: float | None) -> Reading | None:
        if state is None or value is None:
            return None
        return Reading(
            value=value,
            received_mono_s=self._clock.monotonic(),
            taken_at=state.last_reported,
        )

    def _say_once(
        self, source: MeterSource, state: State | None, value: float | None
    ) -> None:
        """Log a meter that talks nonsense, once until it talks sense again."""
        if value is not None:
            self._wrong.discard(source.meter)
        elif state is not None and state.state not in SILENT:
            if source.meter not in self._wrong:
                _LOGGER.warning(
                    "%s: %s %s is no value for %s",
                    source.entity_id,
                    state.state,
                    state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
                    source.meter,
                )
            self._wrong.add(source.meter)


def site_wiring(
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    stations: Collection[Mapping[str, Any]] = (),
) -> SiteWiring | None:
    """Return how the home is wired, None while its owner did not say it.

    Args:
        data: of the entry; the export limit was asked for with the listener.
        options: of the entry.
        stations: data of the subentries of charging stations.
    """
    phase_maps, circuits = _phase_maps(stations), _circuits(stations)
    unseen = _unseen(stations)
    is_told = bool(phase_maps or circuits or unseen)
    if CONF_PHASE_COUNT not in options and not is_told:
        return None
    default = SiteWiring()
    return SiteWiring(
        phase_count=int(options.get(CONF_PHASE_COUNT, default.phase_count)),
        fuse_a=options.get(CONF_FUSE_A),
        import_limit_w=options.get(CONF_IMPORT_LIMIT_W),
        peak_import_w=options.get(CONF_PEAK_IMPORT_W),
        export_limit_w=data.get(CONF_EXPORT_LIMIT_W),
        imbalance_limit_w=options.get(CONF_IMBALANCE_LIMIT_W),
        regulator=MeterRegulator(options.get(CONF_REGULATOR, default.regulator)),
        may_charge_from_battery=options.get(CONF_CHARGE_FROM_BATTERY, False),
        may_charge_battery=options.get(CONF_CHARGE_BATTERY, False),
        circuits=circuits,
        phase_maps=phase_maps,
        unseen=unseen,
    )


def _is_wiring_readable(station: Mapping[str, Any]) -> bool:
    """Return False for a station that is not started either (``upgrade``)."""
    try:
        site_wiring({}, {}, [station])
    except KeyError, TypeError, ValueError:
        return False
    return True


def _phase_maps(
    stations: Iterable[Mapping[str, Any]],
) -> dict[EvseKey, PhaseMap]:
    """Return the phases of every EVSE that a station with known ones may have."""
    return {
        key: PhaseMap(phases=tuple(int(digit) for digit in phases))
        for station in stations
        if (phases := station.get(CONF_PHASE_MAP, PHASE_MAP_UNKNOWN))
        != PHASE_MAP_UNKNOWN
        for key in _evses_of(station)
    }


def _unseen(stations: Iterable[Mapping[str, Any]]) -> frozenset[EvseKey]:
    """Return the EVSEs of virtual stations."""
    virtual = (s for s in stations if s.get(CONF_VIRTUAL, VIRTUAL_NO) != VIRTUAL_NO)
    return frozenset(key for station in virtual for key in _evses_of(station))


def _circuits(stations: Iterable[Mapping[str, Any]]) -> tuple[Circuit, ...]:
    """Return the circuits that stations share, by name; the smallest limit counts."""
    limits_a: dict[str, float] = {}
    evses: dict[str, frozenset[EvseKey]] = {}
    for station in stations:
        name = (station.get(CONF_CIRCUIT) or "").strip().casefold()
        limit_a = station.get(CONF_CIRCUIT_LIMIT_A)
        if not name or limit_a is None:
            continue
        limits_a[name] = min(limit_a, limits_a.get(name, limit_a))
        evses[name] = evses.get(name, frozenset()) | _evses_of(station)
    return tuple(
        Circuit(circuit_id=name, limit_a=limits_a[name], evses=evses[name])
        for name in sorted(limits_a)
    )


def _evses_of(station: Mapping[str, Any]) -> frozenset[EvseKey]:
    """Return all EVSEs that a station may have: what it has, it tells only later."""
    station_id = StationId(station[CONF_IDENTITY])
    return frozenset(EvseKey(station_id, n) for n in range(1, MOST_EVSES + 1))


def solar_policy(options: Mapping[str, Any]) -> SolarPolicy:
    """Return how patiently the mode solar follows clouds; left out is as shipped."""
    return SolarPolicy(
        hold_on_s=options.get(CONF_SOLAR_HOLD_ON_S, PATIENT_SOLAR.hold_on_s),
        hold_off_s=options.get(CONF_SOLAR_HOLD_OFF_S, PATIENT_SOLAR.hold_off_s),
        top_up_from_w=options.get(CONF_TOP_UP_FROM_W),
    )
