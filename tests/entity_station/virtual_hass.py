"""A whole Home Assistant in virtual time, with real sockets on the loopback interface.

Nothing of it is replaced: the loop waits by moving its clock (``loopback_time``), and
what the host tells as time is what the loop's clock shows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
import logging
from math import ceil
from pathlib import Path
from typing import Any, override

from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import DOMAIN as CORE_DOMAIN, HomeAssistant
from homeassistant.helpers import frame, translation
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from pytest_homeassistant_custom_component.common import async_test_home_assistant

from tests.e2e.loopback_time import LoopbackTimeLoop
from tests.fakes import FakeClock

BEGIN = datetime(2026, 1, 15, 12, tzinfo=UTC)
MICROSECONDS = 1e6
SLOW_CALLBACK_S = 3_600.0
"""The clock moves between callbacks, so asyncio's own warning says nothing here."""


class HostClock(FakeClock):
    """The clock of the loop, which everybody who asks the host sees too.

    It counts whole microseconds, as the frozen time of the host does: a timer that
    one of them has reached and the other has not would begin anew for ever.
    """

    def __init__(self, frozen: FrozenDateTimeFactory) -> None:
        """Begin with both clocks at the same number."""
        super().__init__(mono_s=BEGIN.timestamp(), utc=BEGIN)
        self._frozen = frozen

    @override
    def monotonic(self) -> float:
        return self._utc.timestamp()

    @override
    def advance(self, duration_s: float) -> None:
        step = timedelta(microseconds=ceil(duration_s * MICROSECONDS))
        super().advance(step.total_seconds())
        self._frozen.tick(step)


class HostTimeLoop(LoopbackTimeLoop):
    """The loop with the clock of the host."""

    def __init__(self, clock: HostClock) -> None:
        """Build it; a timer at this very moment is due."""
        super().__init__(clock)
        self.slow_callback_duration = SLOW_CALLBACK_S
        # A nanosecond is less than what a float of seconds since 1970 can tell apart.
        self._clock_resolution = 1.0 / MICROSECONDS


def in_virtual_hass[**P](
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Run a coroutine function as a test in virtual time."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with freeze_time(BEGIN) as frozen:
            assert isinstance(frozen, FrozenDateTimeFactory)
            clock = HostClock(frozen)
            with asyncio.Runner(loop_factory=lambda: HostTimeLoop(clock)) as runner:
                runner.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def virtual_hass(config_dir: Path) -> AsyncIterator[HomeAssistant]:
    """Give a Home Assistant with an empty configuration, and stop it as a host does."""
    async with async_test_home_assistant(config_dir=str(config_dir)) as hass:
        # So that this integration is found, not the one that the test tools bring.
        hass.data.pop(DATA_CUSTOM_COMPONENTS)
        frame.async_setup(hass)
        await translation.async_load_integrations(hass, {CORE_DOMAIN})
        failures: list[str] = []

        def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            failures.append(str(context))
            logging.getLogger(__name__).error("in the loop: %s", context)

        asyncio.get_running_loop().set_exception_handler(note)
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)
        assert failures == []
