"""The result of a self-test as one document, for a public register of what works.

It names a product and what it did, and nobody who owns one: no identity, no serial
number, no name, no address, and of the time the day alone.
"""

from collections.abc import Mapping
import re
from typing import Any, Final

from .capability import Fingerprint, Proof, promised_end_s, proven_timing
from .self_test import SelfTestPhase, SelfTestStatus
from .snapshot import EvseSnapshot, StationSnapshot

FORMAT: Final = "v2g-vpp-self-test"
VERSION: Final = 1
"""Goes up when a field changes its meaning or goes; a new field does not change it."""

REDACTED: Final = "**redacted**"

SHORTEST_SECRET: Final = 4
"""House rule: what is shorter is part of too many words to be told apart."""


def self_test_document(
    station: StationSnapshot, evse: EvseSnapshot, release: str
) -> dict[str, Any] | None:
    """Return what the self-test of an EVSE found; None where it never came to an end.

    Args:
        station: that it belongs to.
        evse: the one that was tested.
        release: of this product.
    """
    status, proof = evse.self_test, evse.proof
    is_failed = status.phase is SelfTestPhase.FAILED
    if proof is None and not is_failed:
        return None
    return {
        "format": FORMAT,
        "version": VERSION,
        "release": release,
        "station": _station(station),
        "result": "failed" if proof is None else "passed",
        "failure": _failure(status) if is_failed else None,
        "proof": None if proof is None else _proof(proof, evse.fingerprint),
        "behaviour": _behaviour(evse.fingerprint),
        "services": _services(evse),
    }


def _station(station: StationSnapshot) -> dict[str, Any]:
    capability = station.capability
    return {
        "vendor": _without_identity(station.vendor, station),
        "model": _without_identity(station.model, station),
        "firmware": _without_identity(station.firmware, station),
        "protocol": station.protocol,
        "dialect": None if capability is None else capability.dialect.value,
    }


def _without_identity(text: str, station: StationSnapshot) -> str:
    """Return a text of the station without what tells this one from its likes."""
    for secret in (station.serial_number, station.station_id):
        if secret and len(secret) >= SHORTEST_SECRET:
            # A station may write its name in another case than it is known by.
            text = re.sub(re.escape(secret), REDACTED, text, flags=re.IGNORECASE)
    return text


def _failure(status: SelfTestStatus) -> dict[str, Any]:
    """Return why the last run failed; an older proof may hold all the same."""
    found = status.wiring
    return {
        "reason": status.failure,
        "wiring": None
        if found is None
        else {
            "fault": found.fault.value,
            "share": round(found.share, 2),
            "phases": list(found.phases),
        },
    }


def _proof(proof: Proof, fingerprint: Fingerprint) -> dict[str, Any]:
    promise_s = promised_end_s(
        proven_timing(proof),
        fingerprint.dead_time_s,
        proof.proven_power_w,
        fingerprint.ramp_w_per_s,
    )
    return {
        "passed_on": proof.passed_at[:10],
        "dialect": proof.dialect.value,
        "power_w": round(proof.proven_power_w),
        "guarantee": proof.guarantee.value,
        "stops_by_itself_after_s": (
            round(proof.dead_man_s, 1) if proof.ends_by_itself else None
        ),
        "promise_s": round(promise_s, 1) if proof.ends_by_itself else None,
        "wiring": {
            "evidence": proof.wiring.value,
            "share": None
            if proof.wiring_share is None
            else round(proof.wiring_share, 2),
            "phases": proof.wiring_phases,
        },
    }


def _behaviour(fingerprint: Fingerprint) -> dict[str, Any]:
    """Return what was measured of the charger; what was not is None."""
    if not fingerprint.is_learnt:
        return dict.fromkeys(_MEASURED)
    return {
        name: round(value, 1) if (value := measure(fingerprint)) is not None else None
        for name, measure in _MEASURED.items()
    }


_MEASURED: Final[Mapping[str, Any]] = {
    "dead_time_s": lambda one: one.dead_time_s,
    "typical_dead_time_s": lambda one: one.typical_dead_time_s,
    "ramp_w_per_s": lambda one: one.ramp_w_per_s,
    "offset_discharge_w": lambda one: one.offset_discharge_w,
    "offset_charge_w": lambda one: one.offset_charge_w,
    "offset_zero_w": lambda one: one.offset_zero_w,
    "minimum_power_w": lambda one: one.minimum_power_w,
    "step_w": lambda one: one.step_w,
}


def _services(evse: EvseSnapshot) -> dict[str, Any]:
    """Return what a charger that does this is good for, by what was measured.

    One that goes on until it is told to stop serves no operator (site, permission).
    """
    is_proven = evse.proof is not None and evse.proof.ends_by_itself
    return {
        "dispatch": is_proven,
        "frequency_response": is_proven and evse.support_refusal is None,
        "frequency_response_refused_by": evse.support_refusal,
    }
