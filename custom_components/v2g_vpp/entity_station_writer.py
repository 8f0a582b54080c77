"""Write to the entities of a charger by action calls, one at a time, never too late."""

import asyncio
from collections import deque
from dataclasses import dataclass, replace
import logging
from typing import Any, Final

from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_OPTION,
    SERVICE_SELECT_OPTION,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
)
from homeassistant.core import Context, HomeAssistant, split_entity_id
from homeassistant.helpers import entity_registry as er

from .domain.clock import Clock
from .domain.entity_command import (
    UNTOLD,
    LastWrite,
    NotWritableError,
    WriteIntent,
    WriteStep,
    WriteTarget,
    command,
    is_turn,
    perhaps_told,
    stop,
    told,
)
from .domain.entity_observation import power_of
from .domain.entity_station import EntitySpecification, rests_at_w
from .domain.entity_watch import may_flow
from .domain.setpoint import MAX_WRITE_AGE_S, SetpointWrite, WriteResult, WriteStatus
from .entity_station_reader import EntityReader

_LOGGER = logging.getLogger(__name__)

DEADLINE_S: Final = 10.0
"""A charger that takes longer may have taken it, or not: nobody knows."""

STOP_PATIENCE_S: Final = 1.0
"""A stop waits this long for the call before it, which is then given up."""

REMEMBERED_CONTEXTS: Final = 64
"""More than the calls within the time that a cloud may need to echo one."""

NOT_YET: Final = "write_interval"
RESTING: Final = "reversal_rest"
OUT_OF_RANGE: Final = "out_of_range"
UNAVAILABLE: Final = "entity_unavailable"

_SCRIPT: Final = "script"
ATTR_POWER_W: Final = "power_w"
ATTR_DURATION_S: Final = "duration_s"
"""What a script is called with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One action."""

    domain: str
    service: str
    data: dict[str, Any]


class EntityWriter:
    """Carries setpoints of one charger out; a newer one replaces one that waits."""

    def __init__(
        self,
        hass: HomeAssistant,
        name: str,
        specification: EntitySpecification,
        reader: EntityReader,
        clock: Clock,
    ) -> None:
        """Know nothing yet of what the charger was told."""
        self._hass, self._name, self._reader = hass, name, reader
        self._specification, self._clock = specification, clock
        # Of what a charger was told, and in which order: one call at a time.
        self._lock = asyncio.Lock()
        self._newest: SetpointWrite | None = None
        self._running: SetpointWrite | None = None
        self._deadline: asyncio.Timeout | None = None
        self._contexts: deque[str] = deque(maxlen=REMEMBERED_CONTEXTS)
        self.last: LastWrite = UNTOLD
        self.values: dict[WriteTarget, tuple[float | str | bool, float]] = {}
        """What each target was set to last, and when (monotonic)."""

        self._begun_mono_s = float("-inf")
        """Since when it may have a power: what its meter said before shows no rest."""

    @property
    def has_told(self) -> bool:
        """True once the charger was told anything, by anybody but a stranger since."""
        return self.last.power_w is not None

    @property
    def has_just_stopped(self) -> bool:
        """True when it took 0 W more lately than it likes to be written to again."""
        age_s = self._clock.monotonic() - self.last.written_mono_s
        interval_s = self._specification.quirks.min_write_interval_s
        return self.last.power_w == 0 and age_s < interval_s

    def may_flow(self, rating_w: float) -> bool:
        """Return True unless its meter shows a rest since it was told a power."""
        spec, reading = self._specification, self._reader.readings().power
        if reading is None or reading.received_mono_s <= self._begun_mono_s:
            return True
        return may_flow(power_of(spec, reading), rating_w, rests_at_w(spec))

    @property
    def can_stop(self) -> bool:
        """True while there is anything of what ends a power."""
        steps = stop(self._specification).steps
        return any(self._reader.is_there(step.target) for step in steps)

    def is_ours(self, context: Context) -> bool:
        """Return True for what one of our own action calls caused."""
        return context.id in self._contexts or context.parent_id in self._contexts

    def forget(self) -> None:
        """Take that somebody else may have told the charger anything."""
        self.last = LastWrite(written_mono_s=self.last.written_mono_s, direction=None)
        self._begun_mono_s = self._clock.monotonic()
        self.values.clear()

    async def write(self, write: SetpointWrite) -> WriteResult:
        """Bring the charger to a power; never raises.

        A discharge that waited longer than it may live never reaches an action call.
        """
        self._newest = write
        if write.power_w == 0:
            self._hurry()
        async with self._lock:
            if self._newest is not write:
                return WriteResult(status=WriteStatus.SUPERSEDED)
            self._running = write
            try:
                return await self._carry_out(write)
            finally:
                self._running = self._deadline = None

    def _hurry(self) -> None:
        """Let a stop wait no longer than it must for a call that hangs."""
        if self._deadline is None or self._running is None:
            return
        if self._running.power_w != 0 and not self._deadline.expired():
            soon = asyncio.get_running_loop().time() + STOP_PATIENCE_S
            self._deadline.reschedule(min(self._deadline.when() or soon, soon))

    async def _carry_out(self, write: SetpointWrite) -> WriteResult:
        now_mono_s = self._clock.monotonic()
        if self._is_stale(write):
            return WriteResult(status=WriteStatus.STALE)
        reach = self._reader.reach()
        try:
            if write.power_w == 0:
                intent: WriteIntent | None = stop(self._specification, reach)
            else:
                intent = command(
                    self._specification, write.power_w, self.last, now_mono_s, reach
                )
        except NotWritableError as err:
            # The site says it aloud once; refreshes would repeat it every few seconds.
            _LOGGER.debug("%s: %.0f W: %s", self._name, write.power_w, err)
            return WriteResult(status=WriteStatus.REJECTED, detail=OUT_OF_RANGE)
        if intent is None:
            return WriteResult(status=WriteStatus.STALE, detail=NOT_YET)
        has_to_turn = is_turn(write.power_w, self.last) and self.last.power_w != 0
        result = await self._perform(intent, write)
        if result.is_accepted and has_to_turn and intent.power_w == 0:
            # 0 W on the way to the other direction: what was asked for comes next.
            return WriteResult(status=WriteStatus.STALE, detail=RESTING)
        return result

    async def _perform(self, intent: WriteIntent, write: SetpointWrite) -> WriteResult:
        began_mono_s = self._clock.monotonic()
        # A stop is done as far as it can be: no part of it waits for another.
        parts: tuple[tuple[WriteStep, ...], ...] = (intent.steps,)
        if intent.power_w == 0:
            parts = tuple((one,) for one in intent.steps)
        before = self.last
        if intent.power_w != 0 and not before.power_w:
            self._begun_mono_s = began_mono_s
        # Also when this is cut off on its way: then it may run.
        self.last = doubtful = perhaps_told(before, intent, began_mono_s)
        tries = 0
        failed: WriteResult | None = None
        really = replace(write, power_w=intent.power_w)
        for part in parts:
            tried, fault = await self._try(part, really, DEADLINE_S / len(parts))
            tries += tried
            failed = failed or fault
        if self.last is not doubtful:
            # Somebody else wrote meanwhile.
            before = self.last
        now_mono_s = self._clock.monotonic()
        if failed is None:
            self.last = told(before, intent, now_mono_s)
            return WriteResult(status=WriteStatus.ACCEPTED, on_wire_mono_s=began_mono_s)
        self.last = perhaps_told(before, intent, now_mono_s) if tries else before
        refused = 1 if failed.status is WriteStatus.REJECTED else 0
        if tries > refused:
            # Once a step of it was done it may run, and no answer says otherwise.
            return WriteResult(
                status=WriteStatus.TIMEOUT,
                detail=failed.detail or failed.status,
                on_wire_mono_s=now_mono_s,
            )
        return failed

    async def _try(
        self, steps: tuple[WriteStep, ...], write: SetpointWrite, deadline_s: float
    ) -> tuple[int, WriteResult | None]:
        """Carry steps out until one fails.

        Returns:
            How many may have worked, and what failed; None: nothing did.
        """
        tried = 0
        try:
            async with asyncio.timeout(deadline_s) as self._deadline:
                for step in steps:
                    if self._is_stale(write):
                        # The rest of it would be a discharge that nobody decided.
                        return tried, WriteResult(status=WriteStatus.STALE)
                    call = self._call(step)
                    if call is None:
                        return tried, WriteResult(
                            status=WriteStatus.OFFLINE, detail=UNAVAILABLE
                        )
                    tried += 1
                    await self._act_on(step, call)
        except TimeoutError:
            return tried, WriteResult(status=WriteStatus.TIMEOUT)
        except Exception as err:  # noqa: BLE001 - whatever another integration raises
            # The site says it aloud once; refreshes would repeat it every few seconds.
            _LOGGER.debug("%s: %.0f W: %s", self._name, write.power_w, err)
            return tried, WriteResult(
                status=WriteStatus.REJECTED, detail=str(err)[:200]
            )
        return tried, None

    async def _act_on(self, step: WriteStep, call: _Call) -> None:
        """Do a step; what nobody confirms is not what its entity has to show."""
        self._note(step)
        try:
            await self._act(call)
        except BaseException:
            self.values.pop(step.target, None)
            raise

    def _is_stale(self, write: SetpointWrite) -> bool:
        age_s = self._clock.monotonic() - write.decided_mono_s
        return write.power_w < 0 and age_s > MAX_WRITE_AGE_S

    async def _act(self, call: _Call) -> None:
        context = Context()
        self._contexts.append(context.id)
        await self._hass.services.async_call(
            call.domain, call.service, call.data, blocking=True, context=context
        )

    def _note(self, step: WriteStep) -> None:
        if step.value is not None:
            self.values[step.target] = (step.value, self._clock.monotonic())

    def _call(self, step: WriteStep) -> _Call | None:
        """Return the action of a step; None: its entity is not there."""
        entity_id = self._reader.target_id(step.target)
        if entity_id is None or not self._reader.is_there(step.target):
            return None
        domain, _ = split_entity_id(entity_id)
        data: dict[str, Any] = {ATTR_ENTITY_ID: entity_id}
        if domain == _SCRIPT:
            return _Call(
                domain=_SCRIPT,
                service=script_name(self._hass, entity_id),
                data={
                    ATTR_POWER_W: round(step.power_w),
                    ATTR_DURATION_S: round(step.duration_s),
                },
            )
        match step.value:
            case None:
                return _Call(domain=domain, service="press", data=data)
            case bool():
                service = SERVICE_TURN_ON if step.value else SERVICE_TURN_OFF
                return _Call(domain=domain, service=service, data=data)
            case str():
                data[ATTR_OPTION] = step.value
                return _Call(domain=domain, service=SERVICE_SELECT_OPTION, data=data)
            case _:
                data["value"] = step.value
                return _Call(domain=domain, service="set_value", data=data)


def script_name(hass: HomeAssistant, entity_id: str) -> str:
    """Return the action of a script, which a rename of its entity does not change."""
    known = er.async_get(hass).async_get(entity_id)
    if known is not None and known.platform == _SCRIPT:
        return known.unique_id
    return split_entity_id(entity_id)[1]
