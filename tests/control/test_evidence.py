"""What is kept of a charger, and what is forgotten of it."""

from dataclasses import asdict, replace
import json

import pytest

from custom_components.v2g_vpp.control.fingerprint import FingerprintLearner, Subject
from custom_components.v2g_vpp.domain.capability import (
    Confidence,
    DischargeDialect,
    Fingerprint,
)
from custom_components.v2g_vpp.virtual.plant import MEASURED_2019
from tests.control.traffic import DAY, ScriptedCharger

ASSUMED = Fingerprint()
MEASURED = Fingerprint(dead_time_s=6.0, ramp_w_per_s=1_500.0, is_learnt=True)


def _learnt(charger: ScriptedCharger, times: int = 4) -> Fingerprint:
    charger.follow(DAY, times)
    return charger.learner.fingerprint


def test_memory_is_bounded_and_comes_back_whole() -> None:
    charger = ScriptedCharger(MEASURED_2019)
    charger.learner.about(Subject(firmware="1", dialect=DischargeDialect.V21_DYNAMIC))
    _learnt(charger, 6)
    kept = json.loads(json.dumps(charger.learner.dump()))
    assert len(json.dumps(kept)) < 12_000
    before = json.loads(json.dumps(charger.learner.dump()))
    _learnt(charger, 3)
    assert len(json.dumps(charger.learner.dump())) < 12_000
    back = FingerprintLearner()
    back.restore(Fingerprint(**kept["known"]), kept)
    assert json.loads(json.dumps(back.dump())) == before
    assert not back.about(
        Subject(firmware="1", dialect=DischargeDialect.V21_DYNAMIC)
    ), "nothing is forgotten"
    again = FingerprintLearner()
    again.restore(charger.learner._evidence.known, charger.learner.dump())
    assert again.fingerprint == charger.learner.fingerprint
    assert again.confidence == charger.learner.confidence
    # And of one that was never told what it is of.
    again.restore(ASSUMED, FingerprintLearner().dump())
    assert again.fingerprint == ASSUMED


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"answers": [[3.0, 2.0]]}, id="ends before it begins"),
        pytest.param({"answers": [[0.0, float("nan")]]}, id="no number"),
        pytest.param({"answers": [["a", "b"]]}, id="text"),
        pytest.param({"growing": [{"moved_s": 1.0}]}, id="part of a step"),
        pytest.param({"charging": [[1.0, 2.0]]}, id="part of a rest"),
        pytest.param({"zeros": [True]}, id="a truth value"),
        pytest.param({"subject": ["1", "no such dialect", ""]}, id="unknown dialect"),
        pytest.param({"minimum_w": -5.0}, id="negative"),
    ],
)
def test_a_torn_memory_is_an_error_and_changes_nothing(
    damage: dict[str, object],
) -> None:
    charger = ScriptedCharger(MEASURED_2019)
    known = _learnt(charger, 1)
    with pytest.raises((KeyError, TypeError, ValueError)):
        charger.learner.restore(ASSUMED, {**charger.learner.dump(), **damage})
    assert charger.learner.fingerprint is known


def test_another_firmware_forgets_all_and_another_dialect_all_but_the_ramps() -> None:
    charger = ScriptedCharger(replace(MEASURED_2019, minimum_power_w=1_600.0))
    subject = Subject(firmware="1.0", dialect=DischargeDialect.V21_DYNAMIC)
    assert not charger.learner.about(subject)
    charger.follow([(3_000.0, 60.0), (1_500.0, 60.0), (3_000.0, 60.0)])
    known = _learnt(charger)
    assert not charger.learner.about(subject)
    assert charger.learner.fingerprint is known
    assert charger.learner.about(
        replace(subject, dialect=DischargeDialect.V21_SCHEDULE)
    )
    rest = charger.learner.fingerprint
    assert rest == replace(
        ASSUMED,
        ramp_w_per_s=rest.ramp_w_per_s,
        ramp_up_w_per_s=rest.ramp_up_w_per_s,
        ramp_down_w_per_s=rest.ramp_down_w_per_s,
        minimum_power_w=known.minimum_power_w,
    )
    assert rest.ramp_up_w_per_s is not None
    assert charger.learner.about(replace(subject, firmware="1.1"))
    assert charger.learner.fingerprint == ASSUMED
    assert charger.learner.confidence == Confidence()


def test_a_self_test_is_where_learning_begins() -> None:
    learner = FingerprintLearner(MEASURED)
    assert learner.fingerprint == MEASURED
    other = replace(MEASURED, dead_time_s=9.0)
    assert learner.adopt(other) == other
    assert asdict(learner.fingerprint) == asdict(other)
