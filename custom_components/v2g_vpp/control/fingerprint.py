"""Learn how a charger behaves from what it is told and what its meter shows.

What decides when a stop must begin is cautious: the dead time is one that 95 of 100
answers kept, the wait for the next sample of the meter included, and the ramp the
slowest that fits the answers. Few answers can only make both worse than what was
assumed before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.capability import Confidence, DischargeDialect, Fingerprint
from ..domain.measurement import LONGEST_STALE_AFTER_S, Reading
from .answered_step import AWAKE_S, AnsweredStep, StepWatch
from .delivery import Taken
from .evidence import Evidence
from .steady_power import (
    DEAD_ZONE_W,
    Rest,
    RestWatch,
    change_between,
    is_flow,
    is_offset,
)

LATE_S = 2.0
"""A reading that is older when it is looked at was late, or is a replay."""

MINIMUM_MARGIN = 1.1
"""Just above a power at which nothing flowed another one is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the numbers are of: another one behaves in another way."""

    firmware: str
    dialect: DischargeDialect
    wording: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one look at an EVSE shows."""

    told: Taken | None
    """What the station took since the last look; None: nothing new."""

    reading: Reading | None
    """The last power, whatever its age."""

    is_bound: bool
    """True: a limit of vehicle, station or heat decides the power."""

    visit: int
    """Of the vehicle; another one begins anew."""


class FingerprintLearner:
    """Learn the numbers of one charger; bounded in memory and time.

    Call ``step`` on every tick. Nothing is learnt from limited, late or replayed
    readings, nor from a vehicle that limits itself.
    """

    def __init__(self, known: Fingerprint | None = None) -> None:
        """Begin with what is known; nothing: what must be assumed."""
        self._steps, self._rests = StepWatch(), RestWatch()
        self._subject: Subject | None = None
        self._visit: int | None = None
        self._take_up(Evidence(known))

    @property
    def fingerprint(self) -> Fingerprint:
        """What is known now; the same object until something new was learnt."""
        return self._fingerprint

    @property
    def confidence(self) -> Confidence:
        """How much is behind each number."""
        return self._confidence

    def adopt(self, known: Fingerprint) -> Fingerprint:
        """Begin with what a self-test measured; return what is known now."""
        self._evidence.known = known
        self._publish()
        return self._fingerprint

    def about(self, subject: Subject) -> bool:
        """Note what the numbers are of; return True when some had to be forgotten.

        Another firmware may change all of them. Other words to the station leave its
        power stage as it is, so the ramps stay and all else goes.
        """
        before, self._subject = self._subject, subject
        if before is None or before == subject:
            return False
        is_same_firmware = before.firmware == subject.firmware
        self._take_up(
            self._evidence.without_dialect() if is_same_firmware else Evidence()
        )
        return True

    def forget_offsets(self) -> None:
        """Forget the powers that flowed: the meter is read in another way now."""
        self._take_up(self._evidence.without_offsets())

    def step(self, traffic: Traffic, now_mono_s: float) -> None:
        """Take a look; of several powers that were taken each has a look of its own."""
        if traffic.visit != self._visit:
            self._begin_anew()
            self._visit = traffic.visit
        reading = self._new_reading(traffic.reading, now_mono_s)
        told = traffic.told
        if (
            reading is not None
            and told is not None
            and reading.received_mono_s <= told.since_mono_s
        ):
            self._sampled(reading, traffic)
            reading = None
        if told is not None:
            self._told(told)
        if reading is not None:
            self._sampled(reading, traffic)

    def lose_sight(self) -> None:
        """Note that what the station runs is not known, or not ours."""
        self._begin_anew()

    def dump(self) -> dict[str, Any]:
        """Return what must survive a restart, as JSON."""
        subject = self._subject
        return {
            **self._evidence.dump(),
            "subject": None
            if subject is None
            else [subject.firmware, subject.dialect, subject.wording],
        }

    def restore(self, known: Fingerprint, kept: Mapping[str, Any]) -> None:
        """Come back as ``dump`` wrote it; nothing changes when that is torn.

        Args:
            known: the part ``known``, read and checked by the caller.
            kept: the rest of it.

        Raises:
            KeyError, TypeError, ValueError: for anything torn.
        """
        evidence = Evidence.restored(known, kept)
        subject = None
        if kept["subject"] is not None:
            firmware, dialect, wording = map(str, kept["subject"])
            subject = Subject(
                firmware=firmware, dialect=DischargeDialect(dialect), wording=wording
            )
        self._subject = subject
        self._take_up(evidence)

    def _take_up(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._begin_anew()
        self._publish()

    def _publish(self) -> None:
        self._fingerprint = self._evidence.fingerprint()
        self._confidence = self._evidence.confidence()

    def _begin_anew(self) -> None:
        self._steps.reset()
        self._rests.reset()
        self._told_w: float | None = None
        self._sampled_mono_s: float | None = None
        self._flowed_mono_s = float("-inf")
        self._last_rest: Rest | None = None
        self._nothing_w: float | None = None
        self._has_flowed = False

    def _new_reading(
        self, reading: Reading | None, now_mono_s: float
    ) -> Reading | None:
        """Return a reading that was not seen before and tells the present."""
        if reading is None or not 0.0 <= reading.age_s(now_mono_s) <= LATE_S:
            return None
        last_mono_s = self._sampled_mono_s
        if last_mono_s is not None:
            gap_s = reading.received_mono_s - last_mono_s
            if gap_s <= 0:
                return None
            if gap_s > LONGEST_STALE_AFTER_S:
                # What happened across the silence of the meter is not known.
                self._steps.reset()
                self._rests.reset()
        self._sampled_mono_s = reading.received_mono_s
        return reading

    def _told(self, told: Taken) -> None:
        self._told_w = told.power_w
        self._take(
            self._steps.told(told.power_w, told.since_mono_s),
            self._rests.told(told.power_w, told.since_mono_s, self._fingerprint),
        )

    def _sampled(self, reading: Reading, traffic: Traffic) -> None:
        at_mono_s, power_w, told_w = (
            reading.received_mono_s,
            reading.value,
            self._told_w,
        )
        if told_w is None:
            return
        if is_flow(told_w, power_w):
            self._flowed_mono_s = at_mono_s
        # A vehicle that rests for long sleeps, and draws less than at rest.
        is_asleep = not told_w and at_mono_s - self._flowed_mono_s > AWAKE_S
        is_bound = bool(told_w) and traffic.is_bound
        self._take(
            self._steps.sample(power_w, at_mono_s),
            self._rests.sample(power_w, at_mono_s, is_bound=is_bound or is_asleep),
        )

    def _take(self, answered: AnsweredStep | None, rest: Rest | None) -> None:
        if answered is None and rest is None:
            return
        if answered is not None:
            self._evidence.add(answered)
        if rest is not None:
            self._take_rest(rest)
        self._publish()

    def _take_rest(self, rest: Rest) -> None:
        evidence = self._evidence
        before, self._last_rest = self._last_rest, rest
        if rest.told_w == 0:
            if is_offset(rest):
                evidence.zeros.append(rest.flowed_w)
            return
        self._learn_minimum(rest)
        change = change_between(before, rest) if before is not None else None
        if change is not None:
            evidence.changes.append(change)
        (evidence.charging if rest.told_w > 0 else evidence.discharging).add(rest)

    def _learn_minimum(self, rest: Rest) -> None:
        """Learn a power at which nothing flows, between two that did flow."""
        told_w = abs(rest.told_w)
        if not is_flow(rest.told_w, rest.flowed_w):
            # Before anything flowed the vehicle may sleep, and no dead zone is so wide.
            if self._has_flowed and told_w <= DEAD_ZONE_W:
                self._nothing_w = max(told_w, self._nothing_w or 0.0)
            return
        self._has_flowed = True
        nothing_w, self._nothing_w = self._nothing_w, None
        minimum_w = self._fingerprint.minimum_power_w
        if nothing_w is not None and told_w > nothing_w >= minimum_w:
            self._evidence.minimum_w = min(told_w, MINIMUM_MARGIN * nothing_w)
        elif told_w < minimum_w:
            self._evidence.minimum_w = told_w
