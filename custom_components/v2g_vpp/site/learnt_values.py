"""What was learnt of a charger, as the store kept it."""

from collections.abc import Mapping
from dataclasses import replace
import logging
from math import inf
from typing import Any

from ..control.fingerprint import FingerprintLearner, Subject
from ..domain.calibration import (
    HIGHEST_GAIN,
    LARGEST_OFFSET_W,
    LOWEST_GAIN,
    Calibration,
)
from ..domain.capability import DischargeDialect, Fingerprint, Proof
from ..domain.guarantee import GuaranteeClass
from ..domain.self_test import ProofLoss
from ..domain.units import within
from .records import EvseRecord
from .stored_values import read_dataclass, read_mapping, read_text

SLOWEST_RAMP_W_PER_S = 1.0
LONGEST_DEAD_TIME_S = 600.0
"""Beyond both a number is torn, not learnt."""

_LOGGER = logging.getLogger(__name__)


def restore_proof(stored: object) -> Proof | None:
    """Return a proof as it was kept, None where none was.

    One of before there were classes is of a way that always had an end; of any other
    nobody knows one.

    Raises:
        TypeError, ValueError: when it cannot be read.
    """
    if stored is None:
        return None
    proof = read_dataclass(Proof, stored)
    is_told = "guarantee" in read_mapping(stored)
    if is_told or proof.dialect is not DischargeDialect.ENTITY:
        return proof
    return replace(proof, guarantee=GuaranteeClass.B, validity_s=None)


def dump_loss(record: EvseRecord) -> dict[str, Any]:
    """Return why a proof was lost, and what it knew of the end of a power."""
    return {
        "lost_proof": record.lost_proof,
        "lost_guarantee": record.lost_guarantee,
    }


def read_loss(
    kept: Mapping[str, Any],
) -> tuple[ProofLoss | None, GuaranteeClass | None]:
    """Return the same as it was kept; older versions kept no guarantee.

    Raises:
        TypeError, ValueError: when it cannot be read.
    """
    lost, guarantee = kept.get("lost_proof"), kept.get("lost_guarantee")
    return (
        None if lost is None else ProofLoss(read_text(lost)),
        None if guarantee is None else GuaranteeClass(read_text(guarantee)),
    )


def restore_learner(record: EvseRecord, known: Fingerprint, stored: object) -> None:
    """Bring back what was learnt; what cannot be read is forgotten, which is safe."""
    proof = record.proof
    record.learner = FingerprintLearner(known)
    if stored is None:
        # Of a version that measured once: the numbers are of what was proven.
        if proof is not None:
            record.learner.about(
                Subject(
                    firmware=proof.firmware,
                    dialect=proof.dialect,
                    wording=proof.wording,
                )
            )
        return
    try:
        kept = read_mapping(stored)
        begun = checked_fingerprint(read_dataclass(Fingerprint, kept["known"]))
        record.learner.restore(begun, kept)
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning("%s: what was learnt cannot be read: %r", record.key, err)
        record.learner = FingerprintLearner()


def checked_fingerprint(fingerprint: Fingerprint) -> Fingerprint:
    """Return a fingerprint that control can divide by.

    Raises:
        NotFiniteError: for a charger that cannot be.
    """
    within("ramp_w_per_s", fingerprint.ramp_w_per_s, SLOWEST_RAMP_W_PER_S, inf)
    within("dead_time_s", fingerprint.dead_time_s, 0.0, LONGEST_DEAD_TIME_S)
    within("minimum_power_w", fingerprint.minimum_power_w, 0.0, inf)
    within("step_w", fingerprint.step_w, 0.0, inf)
    if fingerprint.typical_dead_time_s is not None:
        within("dead_time", fingerprint.typical_dead_time_s, 0.0, LONGEST_DEAD_TIME_S)
    for ramp in (fingerprint.ramp_up_w_per_s, fingerprint.ramp_down_w_per_s):
        if ramp is not None:
            within("ramp", ramp, SLOWEST_RAMP_W_PER_S, inf)
    return fingerprint


def restore_calibration(record: EvseRecord, stored: object) -> None:
    """Bring back how a meter is read; what cannot be read believes the meter."""
    if stored is None:
        return
    try:
        kept = read_dataclass(Calibration, stored)
        within("gain", kept.gain, LOWEST_GAIN, HIGHEST_GAIN)
        within("offset_w", kept.offset_w, -LARGEST_OFFSET_W, LARGEST_OFFSET_W)
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning("%s: its calibration cannot be read: %r", record.key, err)
        record.learner.forget_offsets()
        return
    record.calibration = kept
