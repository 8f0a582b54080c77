"""A charger that Home Assistant already knows, as a charging station of the home.

It posts the events that a station posts and takes the commands that a station takes:
nothing behind it can tell the two apart. Lost entities are a lost link: while what it
reads is lost only 0 W is written, and so it is while a part of what it writes to is
lost; while all is lost that a stop needs, nothing is.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import IntEnum
import logging
from math import isfinite
from typing import Any, Final, override
from uuid import uuid4

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .domain.capability import DischargeDialect, StationCapability
from .domain.clock import Clock
from .domain.entity_command import WriteTarget
from .domain.entity_observation import (
    Observed,
    ended,
    goes_on,
    is_in_service,
    lost_reads,
    observe,
    same_plug_within_s,
    started,
    tells_plug,
    unexplained_word,
)
from .domain.entity_station import ONLY_EVSE, PROTOCOL, timing_of_entity
from .domain.entity_watch import Expected, is_foreign
from .domain.events import (
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationReady,
)
from .domain.ids import EvseKey, StationId, TransactionId
from .domain.setpoint import SetpointWrite, WriteResult, WriteStatus
from .entity_station_data import (
    READ_FIELDS,
    WRITE_FIELDS,
    entity_limits,
    specification,
    station_id_of,
)
from .entity_station_reader import EntityNews, EntityReader
from .entity_station_refusals import ACCEPTED, REFUSED, WithoutServices, rejected
from .entity_station_teller import Teller
from .entity_station_writer import EntityWriter

_LOGGER = logging.getLogger(__name__)

NO_TRANSACTION: Final = "no_transaction"
NOT_READY: Final = "not_ready"
NOT_FINITE: Final = "not_finite"
NO_DIALECT: Final = "no_dialect"
NOT_PLUGGED: Final = "not_plugged"

CLOSED_S: Final = 90.0
"""A link that the stop ladder closed stays so: nothing may put off the charger's own
end of a power, and the longest promise of one is this."""

_SCRIPT_STARTED: Final = "script_started"
_OFFLINE: Final = WriteResult(status=WriteStatus.OFFLINE)


class Link(IntEnum):
    """How much of a charger is there."""

    DOWN = 0
    """Nothing can be written."""

    UP = 1
    """It can be brought to 0 W, but is not known well enough for power."""

    READY = 2


class EntityStation(WithoutServices):
    """One charger that is known through entities."""

    def __init__(
        self,
        hass: HomeAssistant,
        data: Mapping[str, Any],
        teller: Teller,
        clock: Clock,
        firmware: str = "",
    ) -> None:
        """Build it from the set-up ``data``; nothing is read or written yet.

        Args:
            hass: the running Home Assistant.
            data: of the subentry.
            teller: told what happens to it.
            clock: both clocks.
            firmware: what a proof holds for.
        """
        self._hass, self._data, self._clock = hass, data, clock
        self._tell, self._firmware = teller, firmware
        self._specification = specification(data)
        self.key = EvseKey(station_id_of(data), ONLY_EVSE)
        self._reader = EntityReader(hass, data, clock, self._hear)
        self._writer = EntityWriter(
            hass, str(self.key), self._specification, self._reader, clock
        )
        self._link = Link.DOWN
        self._observed = Observed()
        self._seen_plug_mono_s = float("-inf")
        self._closed_until_mono_s = float("-inf")
        self._ending: TransactionId | None = None
        self._yielded_to = ""
        self._unlisten: list[CALLBACK_TYPE] = []
        self._reopen: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Read the entities, now and from now on."""
        self._unlisten.append(
            self._hass.bus.async_listen(_SCRIPT_STARTED, self._script_started)
        )
        self._reader.start()
        self._look()

    async def close(self) -> None:
        """End: what runs unattended is brought down to what may run so."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []
        if self._reopen is not None:
            self._reopen()
            self._reopen = None
        await self._leave()
        self._reader.close()
        self._move(Link.DOWN, "closed")
        self._tell.show_lost(())
        self._tell.show_word(None)

    # What the entities tell.

    @callback
    def _hear(self, key: str, event: EntityNews | None) -> None:
        """Take what the entity of a field told."""
        self._look()
        if event is not None:
            self._look_who_wrote(key, event)

    def _look(self) -> None:
        readings = self._reader.readings()
        lost_writes = self._reader.lost_writes(self._specification.writes)
        lost = (*lost_writes, *self._lost_reads())
        now_mono_s = self._clock.monotonic()
        is_usable = not lost and is_in_service(self._specification, readings.state)
        is_closed = now_mono_s < self._closed_until_mono_s
        if is_closed or not self._writer.can_stop:
            self._move(Link.DOWN, "closed" if is_closed else ", ".join(lost))
        elif self._link is Link.DOWN or (not is_usable and self._link is Link.READY):
            self._move(Link.UP, ", ".join(lost))
        is_told = tells_plug(self._specification, readings.state)
        silent_s = now_mono_s - self._seen_plug_mono_s
        self._observed, events = observe(
            self._specification,
            self.key,
            self._observed,
            readings,
            _new_transaction_id(),
            is_recalled=is_told and silent_s > same_plug_within_s(self._specification),
        )
        if is_told:
            self._seen_plug_mono_s = now_mono_s
        for event in events:
            self._tell.post(event)
        self._end_at_rest()
        if self._link is Link.UP and is_usable:
            self._move(Link.READY)
        self._tell.show_lost(lost)
        self._tell.show_word(unexplained_word(self._specification, readings.state))

    def _lost_reads(self) -> tuple[str, ...]:
        names = lost_reads(self._specification, self._reader.readings())
        return tuple(READ_FIELDS[name] for name in names)

    def _move(self, link: Link, cause: str = "") -> None:
        """Tell the site when more or less of the charger is there."""
        if link is self._link:
            return
        self._link = link
        station_id = self.key.station_id
        match link:
            case Link.DOWN:
                self._writer.forget()
                self._tell.post(StationDisconnected(station_id=station_id, cause=cause))
            case Link.UP:
                # After READY it says that control ends and only 0 W may be written.
                self._tell.post(
                    StationConnected(station_id=station_id, protocol=PROTOCOL)
                )
                self._tell.post(self._boot())
            case Link.READY:
                self._tell.post(
                    StationReady(
                        station_id=station_id,
                        capability=self._capability(),
                        has_floor_profile=True,
                    )
                )
                if self._observed.transaction_id is not None:
                    # The vehicle is plugged, and from now on somebody watches it.
                    self._tell.post(goes_on(self.key, self._observed.transaction_id))

    def _boot(self) -> StationBooted:
        spec = self._specification
        return StationBooted(
            station_id=self.key.station_id,
            vendor=spec.vendor,
            model=spec.model,
            firmware=self._firmware or f"{spec.profile_id} {spec.profile_version}",
        )

    def _capability(self) -> StationCapability:
        spec = self._specification
        dialect = DischargeDialect.NONE
        if spec.can_discharge:
            dialect = DischargeDialect.ENTITY
        return StationCapability(
            protocol=PROTOCOL,
            evse_ids=(ONLY_EVSE,),
            dialect=dialect,
            wording=spec.fingerprint,
            reports_export=True,
            own_timing=timing_of_entity(spec.quirks),
            own_watchdog_s=spec.quirks.watchdog_s,
        )

    # Somebody else.

    def _look_who_wrote(self, key: str, event: EntityNews) -> None:
        """Yield to somebody who changed what we had set."""
        state = event.data["new_state"]
        if state is None or self._observed.transaction_id is None:
            return
        for target, (value, written_mono_s) in tuple(self._writer.values.items()):
            if WRITE_FIELDS[target] != key or self._writer.is_ours(event.context):
                continue
            expected = Expected(
                value=value,
                written_mono_s=written_mono_s,
                step=self._reader.reach().of(target).step,
            )
            now_mono_s = self._clock.monotonic()
            quirks = self._specification.quirks
            has_user = event.context.user_id is not None
            if is_foreign(state.state, expected, quirks, now_mono_s, has_user=has_user):
                self._yield(f"{state.entity_id} is {state.state}")
                return

    @callback
    def _script_started(self, event: Event) -> None:
        """Yield to somebody who called the script of the charger."""
        scripts = (WriteTarget.SCRIPT, WriteTarget.STOP)
        entity_id = event.data.get(ATTR_ENTITY_ID)
        is_of_charger = any(self._reader.target_id(one) == entity_id for one in scripts)
        if not is_of_charger or self._observed.transaction_id is None:
            return
        if self._writer.has_told and not self._writer.is_ours(event.context):
            self._yield(f"{entity_id} was called")

    def _yield(self, what: str) -> None:
        # A charger that does not hear shows the same again after each 0 W.
        level = logging.DEBUG if what == self._yielded_to else logging.WARNING
        self._yielded_to = what
        _LOGGER.log(level, "%s: changed by somebody else: %s", self.key, what)
        self._writer.forget()
        self._tell.yield_to_external(self.key)

    # The port.

    @override
    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        if self._link is Link.DOWN:
            return _OFFLINE
        refusal = self._refusal(write)
        if write.power_w != 0 and refusal is None:
            self._ending = None
        return await self._writer.write(write) if refusal is None else refusal

    def _refusal(self, write: SetpointWrite) -> WriteResult | None:
        """Return why a power is not written; 0 W always is."""
        transaction_id = self._observed.transaction_id
        detail = None
        if not isfinite(write.power_w):
            detail = NOT_FINITE
        elif write.power_w == 0:
            return None
        elif self._link is not Link.READY:
            detail = NOT_READY
        elif transaction_id is None or write.transaction_id != transaction_id:
            detail = NO_TRANSACTION
        elif write.power_w < 0 and not self._specification.can_discharge:
            detail = NO_DIALECT
        return None if detail is None else rejected(detail)

    @override
    async def end_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        result = ACCEPTED
        if self._link is Link.DOWN or not self._writer.has_just_stopped:
            result = await self.write_setpoint(self._setpoint(0.0))
        if result.is_accepted:
            self._ending = transaction_id
            self._end_at_rest()
        return result

    def _end_at_rest(self) -> None:
        """End a transaction whose end was asked for, once nothing flows any more.

        With the transaction would end what tells it 0 W again. While the link is down
        it waits: the vehicle of one that ends unwatched would be forgotten.
        """
        now, limit_w = self._observed, entity_limits(self._data).max_charge_power_w
        transaction_id = now.transaction_id
        if transaction_id is None or transaction_id != self._ending:
            return
        if self._link is not Link.DOWN and not self._writer.may_flow(limit_w):
            self._observed = replace(now, transaction_id=None)
            end = ended(self.key, transaction_id, is_plugged=now.is_plugged)
            self._tell.post(end)

    @override
    async def start_transaction(self, key: EvseKey) -> WriteResult:
        if self._link is not Link.READY:
            return _OFFLINE if self._link is Link.DOWN else rejected(NOT_READY)
        if not self._observed.is_plugged:
            return rejected(NOT_PLUGGED)
        if self._observed.transaction_id is None:
            transaction_id = _new_transaction_id()
            self._observed = replace(self._observed, transaction_id=transaction_id)
            self._tell.post(started(key, transaction_id))
        return ACCEPTED

    @override
    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        # There is none: it keeps what it was told last, which is 0 W by then.
        return ACCEPTED if self._writer.last.power_w == 0 else REFUSED

    @override
    async def close_link(self, station_id: StationId) -> None:
        """Write nothing for a while, so that the charger ends a power by itself."""
        watchdog_s = self._specification.quirks.watchdog_s or 0.0
        closed_s = max(CLOSED_S, watchdog_s)
        self._closed_until_mono_s = self._clock.monotonic() + closed_s
        if self._reopen is not None:
            self._reopen()
        self._reopen = async_call_later(self._hass, closed_s + 1.0, self._open_again)
        self._look()

    @callback
    def _open_again(self, _now: datetime) -> None:
        self._reopen = None
        self._look()

    async def _leave(self) -> None:
        """Leave no power behind that may not run unattended."""
        last = self._writer.last
        runs_w = last.power_w
        if self._link is Link.DOWN or not last.direction or runs_w == 0:
            return
        allowed_w = entity_limits(self._data).unattended_charge_w
        if runs_w is None or runs_w < 0:
            await self._writer.write(self._setpoint(0.0))
        elif runs_w > allowed_w:
            await self._writer.write(self._setpoint(allowed_w))

    def _setpoint(self, power_w: float) -> SetpointWrite:
        return SetpointWrite(
            key=self.key,
            power_w=power_w,
            transaction_id=self._observed.transaction_id,
            decided_mono_s=self._clock.monotonic(),
        )


def _new_transaction_id() -> TransactionId:
    return TransactionId(uuid4().hex)
