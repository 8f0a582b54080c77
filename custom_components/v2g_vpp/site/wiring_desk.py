"""Compare each outlet with the meter of the home, and latch what contradicts."""

import logging

from ..control.house_load import home_readings
from ..control.wiring_step import Contradictions
from ..control.wiring_watch import WiringLook, WiringWatch, has_reference
from ..domain.faults import FaultCode
from ..domain.ids import EvseKey
from ..domain.measurement import Reading, is_fresh
from ..domain.site_meters import SiteMeters, SiteWiring
from ..domain.state import InverterMode
from ..domain.wiring import WiringStep
from .records import EvseRecord
from .registry import Registry
from .stop_desk import latch

_LOGGER = logging.getLogger(__name__)


class WiringDesk:
    """Looks at all EVSEs at once: what one of them moves, another must not explain."""

    def __init__(self, registry: Registry) -> None:
        """Work on the records."""
        self._registry = registry
        self._watch = WiringWatch()

    def look(self, now_mono_s: float) -> None:
        """Take in the meters of a tick, before anything is decided for it."""
        meters = self._registry.meters
        wiring = self._registry.wiring or SiteWiring()
        if meters is None or not has_reference(meters, wiring):
            self._watch = WiringWatch()
            for record in self._registry.evses.values():
                record.wiring_look = None
            return
        records = {
            key: record
            for key, record in self._registry.evses.items()
            if key not in wiring.unseen
        }
        powers = {key: _power(record, now_mono_s) for key, record in records.items()}
        looks = self._watch.step(
            home_readings(meters, powers, now_mono_s),
            wiring,
            now_mono_s,
            tested=[k for k, record in records.items() if record.self_test is not None],
            is_blind=_is_blind(meters, records, powers, now_mono_s),
        )
        for key, record in self._registry.evses.items():
            is_seen = key in records
            record.wiring_look = looks.get(key, WiringLook()) if is_seen else None
            step = record.wiring_look.step if record.wiring_look else None
            if step is not None:
                self._judge(record, step)

    def forget(self, key: EvseKey) -> None:
        """Drop what is remembered of an EVSE."""
        self._watch.forget(key)

    def _judge(self, record: EvseRecord, step: WiringStep) -> None:
        _LOGGER.debug("%s: step at the meter of the home: %s", record.key, step)
        # The self-test has its own verdict.
        if record.self_test is not None or is_contradicted(record):
            return
        finding = record.contradictions.take(step)
        if finding is None:
            return
        _LOGGER.error(
            "%s: the meters contradict each other (%s, %.2f of it, phases %s): stopping",
            record.key,
            finding.fault,
            finding.share,
            finding.phases,
        )
        record.wiring_finding = finding
        record.contradictions = Contradictions()
        latch(record, FaultCode.METERS_CONTRADICT)


def is_contradicted(record: EvseRecord) -> bool:
    """Return True from the latch to the owner's reset."""
    return FaultCode.METERS_CONTRADICT in record.session.faults


def _power(record: EvseRecord, now_mono_s: float) -> Reading | None:
    reading = record.tracked_session.measurement.power_w
    return (
        reading
        if is_fresh(reading, now_mono_s, record.meter_period.max_age_s)
        else None
    )


def _is_blind(
    meters: SiteMeters,
    records: dict[EvseKey, EvseRecord],
    powers: dict[EvseKey, Reading | None],
    now_mono_s: float,
) -> bool:
    """Return True while something may flow that no meter shows."""
    is_unheard = any(
        record.session.transaction_id is not None and powers[key] is None
        for key, record in records.items()
    )
    is_islanded = any(
        record.session.inverter_mode is InverterMode.GRID_FORMING
        for record in records.values()
    )
    return is_unheard or is_islanded or not meters.is_fresh(now_mono_s)
