"""Turn what happens to stores and programmes into repairs."""

from collections.abc import Awaitable, Callable
import logging

from homeassistant.core import HomeAssistant, callback

from . import programme_repairs, repairs
from .backup_watch import async_watch_backups
from .domain.errors import V2gError
from .domain.ports import Unsubscribe
from .host_repair import async_watch_host
from .programme_reauth import async_follow_refusals
from .storage import HaStore

_LOGGER = logging.getLogger(__name__)


def watched_store(hass: HomeAssistant, key: str) -> HaStore:
    """Return a store whose failed writes become a repair."""
    return HaStore(hass, key, report_write=repairs.async_write_reporter(hass, key))


@callback
def async_watch_home(hass: HomeAssistant, site: repairs.Pictured) -> Unsubscribe:
    """Raise and clear what follows from the picture of the home, and from its backups."""
    ends = (
        repairs.async_watch_site(hass, site),
        async_watch_host(hass, site),
        async_watch_backups(hass),
    )

    @callback
    def end() -> None:
        for one in ends:
            one()

    return end


class ProgrammeWatch:
    """Raise and clear the repair of one programme."""

    def __init__(self, hass: HomeAssistant, programme_id: str, title: str) -> None:
        """Name the programme."""
        self._hass, self._programme_id, self._title = hass, programme_id, title

    def failed(self, err: V2gError) -> None:
        """Say why there is no link, and what to do."""
        _LOGGER.warning("%s: %s", self._programme_id, err)
        repairs.async_raise_vpp_problem(
            self._hass, self._programme_id, self._title, err
        )
        self._look_for_refusals()

    def recovered(self) -> None:
        """Forget the problem: the link is up."""
        repairs.async_clear_vpp_problem(self._hass, self._programme_id)
        self._look_for_refusals()

    def _look_for_refusals(self) -> None:
        # Later: it may be the dialog itself that has just ended the problem.
        self._hass.loop.call_soon(async_follow_refusals, self._hass)

    def clock_told(self, offset_s: float | None) -> None:
        """Show that the clocks part, or that they are together again."""
        programme_repairs.async_show_clock_offset(
            self._hass, self._programme_id, self._title, offset_s
        )

    def ledger_written(self, is_written: bool) -> None:  # noqa: FBT001 - a callback
        """Show that the ledger cannot be written, or that it can again."""
        programme_repairs.async_show_ledger_unwritten(
            self._hass, self._programme_id, self._title, is_written=is_written
        )

    def ledger_changed(self, detail: str) -> None:
        """Show that somebody changed the ledger."""
        _LOGGER.warning("%s: ledger changed: %s", self._programme_id, detail)
        programme_repairs.async_show_ledger_changed(
            self._hass, self._programme_id, self._title
        )

    def ended(self) -> None:
        """Forget all that was said of a programme that ends."""
        self.ledger_written(True)
        programme_repairs.async_forget_ledger_changed(self._hass, self._programme_id)
        self.recovered()
        self.clock_told(None)

    async def started(self, start: Callable[[], Awaitable[None]]) -> None:
        """Start a link; a fault of one programme never fails the home."""
        try:
            await start()
        except V2gError as err:
            self.failed(err)
