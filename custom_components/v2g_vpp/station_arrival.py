"""The page that waits for a new charger, and what it shows once that is there."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.core import callback

from .const import (
    CONF_DIALECT,
    CONF_IDENTITY,
    CONF_NO_PASSWORD,
    CONF_PASSWORD,
    DIALECT_AUTOMATIC,
)
from .coordinator import V2gConfigEntry
from .domain.ids import StationId
from .domain.visitor import VisitorReport, VisitPhase
from .refusal_text import hint_sentence
from .sentences import Sentences, async_sentences
from .visitor_text import charger_sentence, discharge_sentence, meter_sentence

PAGE_OPEN_S: Final = 1800.0
"""House rule: how long a charger may wait for a page that was left open."""

LIMITS_S: Final[Mapping[VisitPhase, float]] = {
    VisitPhase.WAITING: 300.0,
    VisitPhase.CONNECTED: 60.0,
    VisitPhase.MEASURED: 60.0,
    VisitPhase.READ: 0.0,
}
"""House rules: a charger may take minutes to restart; one that is there answers in
seconds or not at all."""

LOOK_S: Final = 0.5
"""House rule: how often the page looks; nobody reads faster."""


class ArrivalSteps(ConfigSubentryFlow, ABC):
    """Let a new charger in to wait, and show how far it has come."""

    def __init__(self) -> None:
        """Begin with nobody expected."""
        self._data: dict[str, Any] = {}
        self._end_visit: Callable[[], None] | None = None
        self._sentences: Sentences | None = None
        self._looking: asyncio.Task[None] | None = None
        self._phase: VisitPhase | None = None
        self._phase_ends_s = 0.0
        """By the clock of the event loop."""

        self._entered: dict[str, str] = {}
        """What has to be entered at the charger, once it was shown."""

        self._shown = VisitorReport()
        self._is_arrival_shown = False

    @abstractmethod
    def _keep(self) -> SubentryFlowResult:
        """End with what was entered."""

    @abstractmethod
    async def async_step_connect(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what to enter at the charger."""

    @property
    def _can_wait(self) -> bool:
        """True where the home listens and lets this charger in while it is new."""
        return (
            self.source != SOURCE_RECONFIGURE
            and self._get_entry().state is ConfigEntryState.LOADED
            # Without a password it is let in once it was added, and not before.
            and not self._data.get(CONF_NO_PASSWORD)
        )

    def _let_in(self) -> None:
        """Let the charger in while this page is open: it waits, and can do nothing."""
        if not self._can_wait or (self._end_visit and self._report() is not None):
            return
        entry: V2gConfigEntry = self._get_entry()
        site, identity = entry.runtime_data.site, self._identity
        site.admit_provisionally(identity, self._data[CONF_PASSWORD], PAGE_OPEN_S)
        self._end_visit = partial(site.end_provisional, identity)

    @callback
    @override
    def async_remove(self) -> None:
        if self._end_visit is not None:
            self._end_visit()

    @property
    def _identity(self) -> StationId:
        return StationId(self._data[CONF_IDENTITY])

    def _report(self) -> VisitorReport | None:
        """Return how far it has come; None when it is not let in any more."""
        entry: V2gConfigEntry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            return None
        return entry.runtime_data.site.visitor(self._identity)

    # --- steps ----------------------------------------------------------------

    async def async_step_arrive(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the charger has done so far, and wait for the next."""
        sentences = await self._texts()
        if self._looking is None or self._looking.done():
            report, now_s = self._report(), self.hass.loop.time()
            if report is None:
                return await self._leave_for("not_here")
            self._shown = report
            if report.phase is not self._phase:
                self._phase = report.phase
                self._phase_ends_s = now_s + LIMITS_S[report.phase]
            if now_s >= self._phase_ends_s:
                is_here = report.phase is not VisitPhase.WAITING
                return await self._leave_for("arrived" if is_here else "not_here")
            self._looking = self._get_entry().async_create_background_task(
                self.hass, self._until_news(report), "v2g_vpp charger arrives"
            )
        return self.async_show_progress(
            step_id="arrive",
            progress_action=self._shown.phase,
            progress_task=self._looking,
            description_placeholders=self._told(sentences),
        )

    async def async_step_arrived(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what is there, then end."""
        # What was sent to the page before is no yes to this one.
        if user_input is not None and self._is_arrival_shown:
            return self._keep()
        self._is_arrival_shown = True
        return self.async_show_form(
            step_id="arrived",
            description_placeholders=self._told(await self._texts()),
            last_step=True,
        )

    async def async_step_not_here(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the owner choose how to go on without the charger."""
        return self.async_show_menu(
            step_id="not_here",
            menu_options=["wait_again", "address", "finish"],
            description_placeholders=self._told(await self._texts()),
        )

    async def async_step_wait_again(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Wait as long again."""
        self._let_in()
        return await self.async_step_arrive()

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show once more what to enter at the charger."""
        return await self.async_step_connect()

    async def async_step_finish(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add the charger all the same."""
        return self._keep()

    # --- inside ---------------------------------------------------------------

    async def _leave_for(self, step: str) -> SubentryFlowResult:
        """Go on to a page; what is next begins with its own time."""
        was_shown, self._looking, self._phase = self._looking is not None, None, None
        if was_shown:
            # A page that shows progress can only end by saying so.
            return self.async_show_progress_done(next_step_id=step)
        if step == "arrived":
            return await self.async_step_arrived()
        return await self.async_step_not_here()

    async def _until_news(self, known: VisitorReport) -> None:
        while self.hass.loop.time() < self._phase_ends_s and self._report() == known:
            await asyncio.sleep(LOOK_S)

    async def _texts(self) -> Sentences:
        if self._sentences is None:
            self._sentences = await async_sentences(self.hass)
        return self._sentences

    def _told(self, sentences: Sentences) -> dict[str, str]:
        shown = self._shown
        is_chosen = self._data.get(CONF_DIALECT, DIALECT_AUTOMATIC) != DIALECT_AUTOMATIC
        return {
            **self._entered,
            "hint": hint_sentence(
                sentences, shown.refusal, self._identity, self._get_entry().data
            ),
            "charger": charger_sentence(sentences, shown),
            "meter": meter_sentence(sentences, shown),
            "discharge": discharge_sentence(
                sentences, shown.claim, is_chosen=is_chosen
            ),
        }
