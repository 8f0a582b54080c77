"""Take the proof of discharge of an EVSE, and keep why for its owner."""

from dataclasses import replace

from ..domain.capability import LONGEST_PROMISE_S, Proof
from ..domain.guarantee import GuaranteeClass
from ..domain.self_test import ProofLoss
from .records import EvseRecord, StationRecord


def lose_proof(record: EvseRecord, loss: ProofLoss) -> None:
    """Take the proof of discharge and its permission away.

    Where there is none nothing is lost, and what was told of it before stays.
    """
    if record.proof is not None:
        record.lost_proof = loss
        is_another = loss in (ProofLoss.FIRMWARE_CHANGED, ProofLoss.DIALECT_CHANGED)
        record.lost_guarantee = None if is_another else record.proof.guarantee
    record.policy = replace(record.policy, is_discharge_allowed=False)
    record.proof = None
    record.has_news_to_save = True


def lose_own_end(record: EvseRecord) -> None:
    """Take that a charger ends a power by itself: it was seen to go on.

    How the test goes on that saw it does not matter: it may be cut short.
    """
    record.lost_guarantee = GuaranteeClass.B
    proof = record.proof
    if proof is not None and proof.ends_by_itself:
        record.proof = replace(proof, guarantee=GuaranteeClass.B, validity_s=None)
        record.has_news_to_save = True


def flaw_of(proof: Proof, station: StationRecord) -> ProofLoss | None:
    """Return why a proof is none for a station as it is now; None when it holds."""
    if proof.firmware != station.session.firmware:
        return ProofLoss.FIRMWARE_CHANGED
    if proof.dialect is not station.dialect or proof.wording != station.wording:
        return ProofLoss.DIALECT_CHANGED
    if proof.ends_by_itself and proof.dead_man_s > LONGEST_PROMISE_S:
        return ProofLoss.STOPS_TOO_LATE
    return None
