"""The composition root of the integration: the only module that knows every layer."""

from functools import partial

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HassJob, HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from . import (
    const,
    home_meters,
    programme_opener,
    repairs,
    subentry_facts as facts,
    upgrade,
    vehicle_opener,
)
from .coordinator import Close, V2gConfigEntry, runtime_data
from .csms import access, schemas, server
from .dashboard import async_setup_dashboard
from .entity_station_opener import open_entity_station
from .error_translation import translated_errors
from .listener_flow_tls import open_listener
from .removal import async_remove_config_entry_device, async_remove_entry
from .services import async_setup_services
from .site import Site
from .station_choices import async_show_notices
from .station_farewell import async_remind_of_address
from .subentry_sync import SubentrySync
from .system_clock import SystemClock
from .upgrade import async_migrate_entry
from .virtual_runner import start_virtual
from .watches import async_watch_home, watched_store

__all__ = (
    "async_migrate_entry",
    "async_remove_config_entry_device",
    "async_remove_entry",
)
CONFIG_SCHEMA = cv.config_entry_only_config_schema(const.DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, which say it themselves without a home, and a dashboard."""
    async_setup_services(hass)
    upgrade.async_show_newer_entries(hass)
    await async_setup_dashboard(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: V2gConfigEntry) -> bool:
    """Bring the home to life: entities first, then the listener, then control."""
    with translated_errors():
        await upgrade.async_refuse_newer(hass)
        await _Home(hass, entry).start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: V2gConfigEntry) -> bool:
    """Bring power to 0 W first, then take everything down."""
    await entry.runtime_data.stop()
    return await hass.config_entries.async_unload_platforms(entry, const.PLATFORMS)


class _Home:
    """The parts of one loaded entry, and how they are put together."""

    def __init__(self, hass: HomeAssistant, entry: V2gConfigEntry) -> None:
        self._hass, self._entry, self._clock = hass, entry, SystemClock()
        self._spawn = partial(entry.async_create_background_task, hass)
        self._store = partial(watched_store, hass)
        self._site = Site(
            store=self._store(const.STORE_SITE),
            clock=self._clock,
            spawn=self._spawn,
            export_limit_w=entry.data.get(const.CONF_EXPORT_LIMIT_W),
        )
        self._rehearsal = programme_opener.rehearsal_desk(self._site, self._clock)
        self._sync = SubentrySync(
            open_station=self._open_station,
            open_entity_station=partial(open_entity_station, hass, self._site),
            open_vehicle=partial(vehicle_opener.open_vehicle, hass, self._site),
            open_programme=programme_opener.ProgrammeOpener(
                hass=hass,
                entry=entry,
                site=self._site,
                clock=self._clock,
                spawn=self._spawn,
                make_store=self._store,
            ).open,
            is_usable=partial(upgrade.async_check_part, hass),
            options_changed=home_meters.HomeMeters(hass, entry, self._site).follow,
        )

    async def start(self) -> None:
        hass, entry, site = self._hass, self._entry, self._site
        self._server = server.OcppServer(
            **await open_listener(hass, entry.data, self._spawn, server.ListenAddress),
            schemas=await hass.async_add_executor_job(schemas.load_schemas),
            sink=site,
            authority=site,
            store=self._store(const.STORE_STATIONS),
            clock=self._clock,
            spawn=self._spawn,
            on_refused=partial(repairs.async_raise_refusal, hass, entry),
        )
        site.use_stations(self._server)
        await site.load()
        entry.runtime_data = runtime_data(
            hass, entry, site, self.stop, self._server, self._rehearsal
        )
        entry.async_on_unload(async_watch_home(hass, site))
        try:
            await self._sync.open_all(hass, entry)
            await hass.config_entries.async_forward_entry_setups(entry, const.PLATFORMS)
            await self._server.start()
        except BaseException:
            await self.stop()
            await hass.config_entries.async_unload_platforms(entry, const.PLATFORMS)
            raise
        # Background tasks end before the stop event, so 0 W must be a shutdown job.
        entry.async_on_unload(hass.async_add_shutdown_job(HassJob(self.stop)))
        entry.async_on_unload(entry.add_update_listener(self._sync.follow))
        self._spawn(site.run(), "v2g_vpp control")

    async def stop(self) -> None:
        self._rehearsal.stop()
        await self._site.stand_down()
        await self._sync.close_all(self._entry.runtime_data)
        await self._server.stop()

    async def _open_station(self, subentry: ConfigSubentry) -> Close:
        config = access.StationConfig(**facts.station(subentry))
        self._site.add_station(config.identity, config.limits)
        self._server.adopt(config)
        end_notices = async_show_notices(self._hass, self._entry, subentry)
        end_virtual = start_virtual(self._hass, self._entry, subentry, self._clock)

        async def close(*, is_removed: bool) -> None:
            end_virtual()
            end_notices(is_removed=is_removed)
            if is_removed:
                async_remind_of_address(self._hass, self._site, subentry)
                await self._site.retire_station(config.identity)
                self._server.forget(config.identity)

        return close
