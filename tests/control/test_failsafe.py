"""The watchdog of the VPP link."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.failsafe import (
    SHORTEST_WAIT_S,
    VppWatchdog,
    hardest_to_stop,
    largest_dispatch_w,
    stop_after_s,
)
from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.dispatch import LinkState
from tests.control.given import LEARNT, NOW

POWER_W = -5_000.0
FINGERPRINTS = st.builds(
    Fingerprint,
    dead_time_s=st.floats(0, 40),
    ramp_w_per_s=st.floats(50, 20_000),
    is_learnt=st.booleans(),
)


def _healthy(spread: float = 1.0) -> VppWatchdog:
    watchdog = VppWatchdog(spread=spread)
    watchdog.link_changed(is_connected=True)
    watchdog.seen_heartbeat(NOW, NOW)
    return watchdog


def _state(watchdog: VppWatchdog, now_s: float, power_w: float = POWER_W) -> LinkState:
    return watchdog.step(power_w, LEARNT, now_s).state


def test_a_link_is_healthy_only_with_heartbeats() -> None:
    watchdog = VppWatchdog()
    assert watchdog.state is LinkState.DOWN
    watchdog.link_changed(is_connected=True)
    idle = watchdog.step(0.0, LEARNT, NOW, is_following=False)
    assert idle.state is LinkState.CONNECTED
    watchdog.seen_heartbeat(NOW, NOW)
    assert _state(watchdog, NOW) is LinkState.HEALTHY
    watchdog.link_changed(is_connected=False)
    assert watchdog.state is LinkState.DOWN


def test_a_command_proves_the_link_too() -> None:
    watchdog = VppWatchdog()
    watchdog.seen_command(NOW, NOW)
    assert watchdog.state is LinkState.HEALTHY
    stale = VppWatchdog()
    stale.seen_command(NOW - 60.0, NOW)
    assert stale.state is LinkState.DOWN


def test_silence_releases_in_time_and_three_heartbeats_and_a_command_resume() -> None:
    watchdog = _healthy()
    assert _state(watchdog, NOW + 19.9) is LinkState.HEALTHY
    assert _state(watchdog, NOW + 20.0) is LinkState.FAILSAFE

    for sent_s in (NOW + 40.0, NOW + 45.0):
        watchdog.seen_heartbeat(sent_s, sent_s)
        assert _state(watchdog, sent_s) is LinkState.FAILSAFE
    watchdog.seen_command(NOW + 46.0, NOW + 46.0)
    assert _state(watchdog, NOW + 46.0) is LinkState.FAILSAFE, "only two heartbeats"
    watchdog.seen_heartbeat(NOW + 50.0, NOW + 50.0)
    assert _state(watchdog, NOW + 50.0) is LinkState.FAILSAFE, "no command yet"
    watchdog.seen_command(NOW + 51.0, NOW + 51.0)
    assert _state(watchdog, NOW + 51.0) is LinkState.HEALTHY

    assert _state(watchdog, NOW + 71.0) is LinkState.FAILSAFE, "and it guards again"


def test_heartbeats_must_be_good_in_a_row() -> None:
    watchdog = _healthy()
    assert _state(watchdog, NOW + 20.0) is LinkState.FAILSAFE
    for sent_s in (NOW + 40.0, NOW + 45.0):
        watchdog.seen_heartbeat(sent_s, sent_s)
        _state(watchdog, sent_s)
    _state(watchdog, NOW + 80.0)
    watchdog.seen_heartbeat(NOW + 90.0, NOW + 90.0)
    watchdog.seen_command(NOW + 91.0, NOW + 91.0)
    assert _state(watchdog, NOW + 91.0) is LinkState.FAILSAFE


def test_an_old_command_does_not_resume() -> None:
    watchdog = _healthy()
    _state(watchdog, NOW + 20.0)
    for sent_s in (NOW + 40.0, NOW + 45.0, NOW + 50.0):
        watchdog.seen_heartbeat(sent_s, sent_s)
    watchdog.seen_command(NOW + 49.0, NOW + 51.0)
    assert watchdog.state is LinkState.FAILSAFE


def test_the_age_counts_from_the_signature() -> None:
    watchdog = VppWatchdog()
    watchdog.seen_heartbeat(NOW - 8.0, NOW)
    assert _state(watchdog, NOW + 11.9) is LinkState.HEALTHY
    assert _state(watchdog, NOW + 12.0) is LinkState.FAILSAFE


def test_a_clock_ahead_buys_no_time_and_a_repetition_none() -> None:
    watchdog = VppWatchdog()
    watchdog.seen_heartbeat(NOW + 100.0, NOW)
    watchdog.seen_heartbeat(NOW, NOW + 15.0)
    watchdog.seen_heartbeat(NOW - 5.0, NOW + 15.0)
    assert _state(watchdog, NOW + 20.0) is LinkState.FAILSAFE


def test_a_link_lost_without_a_dispatch_has_nothing_to_release() -> None:
    for is_connected, after in ((True, LinkState.CONNECTED), (False, LinkState.DOWN)):
        watchdog = _healthy()
        watchdog.link_changed(is_connected=is_connected)
        status = watchdog.step(0.0, LEARNT, NOW + 60.0, is_following=False)
        assert status.state is after
        watchdog.seen_heartbeat(NOW + 61.0, NOW + 61.0)
        assert watchdog.state is LinkState.HEALTHY


def test_a_broker_that_goes_away_releases_nothing_by_itself() -> None:
    watchdog = _healthy()
    watchdog.link_changed(is_connected=False)
    assert _state(watchdog, NOW + 19.0) is LinkState.DOWN
    assert _state(watchdog, NOW + 20.0) is LinkState.FAILSAFE
    watchdog.link_changed(is_connected=True)
    assert watchdog.state is LinkState.FAILSAFE


def test_a_released_discharge_must_end_its_transaction_after_30_s() -> None:
    watchdog = _healthy()
    watchdog.step(POWER_W, LEARNT, NOW + 20.0)
    assert not watchdog.step(0.0, LEARNT, NOW + 29.9).must_end_transaction
    assert watchdog.step(0.0, LEARNT, NOW + 30.0).must_end_transaction
    assert watchdog.step(0.0, LEARNT, NOW + 33.0).must_end_transaction, "until it did"
    watchdog.transaction_ended()
    assert not watchdog.step(0.0, LEARNT, NOW + 34.0).must_end_transaction


def test_a_released_charge_keeps_its_transaction() -> None:
    watchdog = _healthy()
    watchdog.step(5_000.0, LEARNT, NOW + 20.0)
    assert not watchdog.step(0.0, LEARNT, NOW + 40.0).must_end_transaction


def test_one_that_discharges_beside_one_that_charges_ends_its_transaction() -> None:
    for is_discharging in (True, False):
        watchdog = _healthy()
        # The charger that takes longest to stop charges.
        watchdog.step(11_000.0, LEARNT, NOW + 20.0, is_discharging=is_discharging)
        status = watchdog.step(0.0, LEARNT, NOW + 30.0, is_discharging=False)
        assert status.must_end_transaction is is_discharging


def test_the_status_tells_age_and_wait() -> None:
    status = _healthy(spread=0.6).step(POWER_W, LEARNT, NOW + 3.0)
    assert (status.age_s, status.stop_after_s) == (3.0, 12.0)
    assert VppWatchdog().step(POWER_W, LEARNT, NOW).age_s is None


@pytest.mark.parametrize(
    ("fingerprint", "power_w", "spread", "expected_s"),
    [
        pytest.param(LEARNT, -5_000.0, 1.0, 20.0, id="never longer than 20 s"),
        pytest.param(LEARNT, -5_000.0, 0.6, 12.0, id="homes are spread"),
        pytest.param(LEARNT, -5_000.0, 0.1, 12.0, id="but not to nothing"),
        pytest.param(Fingerprint(), -5_000.0, 1.0, 7.0, id="unlearnt is slow"),
        pytest.param(Fingerprint(), -5_000.0, 0.6, 6.0, id="no spread below 6 s"),
        pytest.param(Fingerprint(), -11_000.0, 1.0, 1.0, id="too much for it"),
        pytest.param(Fingerprint(), -30_000.0, 1.0, 0.0, id="far too much"),
        pytest.param(
            Fingerprint(dead_time_s=0.5), 0.0, 1.0, 12.0, id="unlearnt is 15 s"
        ),
    ],
)
def test_stop_after(
    fingerprint: Fingerprint, power_w: float, spread: float, expected_s: float
) -> None:
    watchdog = VppWatchdog(spread=spread)
    status = watchdog.step(power_w, fingerprint, NOW)
    assert status.stop_after_s == pytest.approx(expected_s)


@given(FINGERPRINTS, st.floats(0, 1), st.floats(0.6, 1))
def test_what_is_offered_can_always_be_stopped_in_time(
    fingerprint: Fingerprint, share: float, spread: float
) -> None:
    offered_w = share * largest_dispatch_w(fingerprint)
    if offered_w == 0:
        return
    wait_s = stop_after_s(-offered_w, fingerprint, spread)
    assert wait_s >= SHORTEST_WAIT_S - 1e-6
    stopping_s = fingerprint.dead_time_s + offered_w / fingerprint.ramp_w_per_s
    assert wait_s + 1.0 + stopping_s + 2.0 <= 30.0 + 1e-6


def test_the_charger_that_stops_last_sets_the_wait() -> None:
    slow = Fingerprint(dead_time_s=12.0, ramp_w_per_s=500.0, is_learnt=True)
    assert hardest_to_stop([(-11_000.0, LEARNT), (-2_000.0, slow)]) == (-2_000.0, slow)
    assert hardest_to_stop([]) == (0.0, Fingerprint())


def test_an_order_without_any_trusted_message_is_released_at_once() -> None:
    watchdog = VppWatchdog()
    watchdog.link_changed(is_connected=True)
    assert not watchdog.is_alive(NOW)
    assert _state(watchdog, NOW) is LinkState.FAILSAFE
    status = watchdog.step(POWER_W, LEARNT, NOW + 30.0)
    assert status.must_end_transaction, "its contactor opens as after any other loss"
    for sent_s in (NOW + 41.0, NOW + 46.0, NOW + 51.0):
        watchdog.seen_heartbeat(sent_s, sent_s)
    watchdog.seen_command(NOW + 52.0, NOW + 52.0)
    assert watchdog.is_alive(NOW + 52.0)
    assert _state(watchdog, NOW + 52.0) is LinkState.HEALTHY


def test_a_heartbeat_that_overtakes_the_command_does_not_keep_the_release() -> None:
    watchdog = _healthy()
    assert _state(watchdog, NOW + 20.0) is LinkState.FAILSAFE
    for sent_s in (NOW + 41.0, NOW + 46.0, NOW + 51.0):
        watchdog.seen_heartbeat(sent_s, sent_s)
    watchdog.seen_command(NOW + 50.0, NOW + 52.0)
    assert _state(watchdog, NOW + 52.0) is LinkState.FAILSAFE, "signed before the third"
    watchdog.seen_heartbeat(NOW + 56.0, NOW + 56.0)
    watchdog.seen_command(NOW + 55.9, NOW + 56.1)
    assert _state(watchdog, NOW + 56.1) is LinkState.HEALTHY
