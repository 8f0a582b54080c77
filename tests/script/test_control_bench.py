"""The parts of the control benchmark: what they measure is what they say."""

import math
from pathlib import Path

import pytest

from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.regulation import WINDOW_S
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from script.benches.closed_loop import peers, plants, scores, signals
from script.benches.closed_loop.energy import writes_over_budget
from script.benches.closed_loop.following import Trace
from script.benches.closed_loop.loop import commissioned
from script.benches.closed_loop.plots import draw_regulation
from tests.control.given import KEY

SECONDS = scores.HOUR_S + WINDOW_S
SIGNAL = signals.regulation(1, SECONDS)
TIMING = DIALECT_TIMING[DischargeDialect.V21_DYNAMIC]


def test_the_signal_is_the_same_for_a_seed_and_keeps_its_bounds() -> None:
    assert signals.regulation(1, SECONDS) == SIGNAL
    assert signals.regulation(2, SECONDS) != SIGNAL
    assert max(abs(power_w) for power_w in SIGNAL) <= signals.REGULATION_W
    assert SIGNAL[::2] == SIGNAL[1::2]


@pytest.mark.parametrize(
    ("late_s", "expected"),
    # By pure dead time, mean of other seeds (control brief).
    [(0, 0.997), (1, 0.907), (4, 0.849), (7, 0.814), (15, 0.725), (30, 0.710)],
)
def test_the_score_of_pure_dead_time(late_s: int, expected: float) -> None:
    late = [SIGNAL[max(0, second - late_s)] for second in range(SECONDS)]
    assert scores.regulation_score(SIGNAL, late) == pytest.approx(expected, abs=0.03)


def test_doing_nothing_scores_a_third() -> None:
    nothing = [0.0] * SECONDS
    assert scores.regulation_score(SIGNAL, nothing) == pytest.approx(1 / 3)


def test_a_perfect_answer_has_no_tracking_error() -> None:
    late = [SIGNAL[max(0, second - 4)] for second in range(SECONDS)]
    assert scores.tracking_error(SIGNAL, late, 4.0, 60) == 0.0
    assert scores.tracking_error(SIGNAL, SIGNAL, 4.0, 60) > 0.05


def test_the_dead_zone_of_the_measured_charger() -> None:
    typical = plants.PLANTS["typical"]
    assert plants.least_flow_w(typical, -1.0) == pytest.approx(640.0)
    assert plants.least_flow_w(typical, 1.0) == pytest.approx(940.0)
    assert plants.within_envelope_w(typical, -600.0) == 0.0
    assert plants.within_envelope_w(typical, -20_000.0) == -11_000.0
    assert plants.whole_amperes(-1_380.0) == -1_380.0
    assert plants.whole_amperes(500.0) == 460.0


def test_the_oracle_is_the_best_of_the_peers() -> None:
    fast = plants.PLANTS["fast"]
    possible = [plants.within_envelope_w(fast, power_w) for power_w in SIGNAL]

    def error(peer: peers.Peer) -> float:
        flowed = peers.follow(peer, fast, SIGNAL)
        return scores.tracking_error(possible, flowed, fast.dead_time_s, 60)

    assert error(peers.oracle(fast)) < error(peers.calibrated(fast))
    assert error(peers.calibrated(fast)) < error(peers.open_loop())
    assert error(peers.open_loop()) < error(peers.slow_loop())


def _write(power_w: float, at_s: float) -> SetpointWrite:
    return SetpointWrite(
        key=KEY,
        power_w=power_w,
        transaction_id=TransactionId("tx"),
        decided_mono_s=at_s,
    )


def test_more_than_the_bucket_holds_is_counted_and_less_power_never_is() -> None:
    rising = [_write(-1_400.0 - 100.0 * step, 0.1 * step) for step in range(6)]
    assert writes_over_budget(rising, TIMING) == 3
    falling = [_write(-9_000.0 + 100.0 * step, 0.1 * step) for step in range(60)]
    assert writes_over_budget(falling, TIMING) == 0
    calm = [_write(-1_400.0 - 100.0 * step, 1.0 * step) for step in range(20)]
    assert writes_over_budget(calm, TIMING) == 0


def test_a_commissioned_charger_is_known_and_follows() -> None:
    loop = commissioned(plants.PLANTS["typical"])
    fingerprint = loop.evse.fingerprint
    assert fingerprint.is_learnt
    assert fingerprint.expected_dead_time_s == pytest.approx(4.0, abs=1.0)
    assert fingerprint.offset_discharge_w == pytest.approx(740.0, abs=100.0)
    asked = SIGNAL[:240]
    flowed = loop.follow(asked)
    assert len(flowed) == len(asked)
    assert all(math.isfinite(power_w) for power_w in flowed)


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    trace = Trace(asked_w=SIGNAL, flowed_w=SIGNAL, open_loop_w=SIGNAL)
    draw_regulation({"fast": trace, "slow": trace}, tmp_path)
    assert (tmp_path / "regulation.png").read_bytes().startswith(b"\x89PNG")
