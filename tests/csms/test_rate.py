"""A burst passes, a flood is slowed down, a lasting flood is given up."""

from custom_components.v2g_vpp.csms.rate import BURST_FRAMES, RateLimit


def test_a_queue_kept_offline_passes_without_a_pause() -> None:
    limit = RateLimit(0.0)
    assert all(limit.wait_s(0.0) == 0.0 for _ in range(int(BURST_FRAMES)))
    assert limit.wait_s(0.0) > 0.0


def test_a_flood_is_slowed_to_the_rate_and_ends_when_it_lasts() -> None:
    limit, now = RateLimit(0.0), 0.0
    for _ in range(int(BURST_FRAMES) + 100):
        now += limit.wait_s(now)
    assert 0.9 < now < 1.2
    assert not limit.is_abused
    while not limit.is_abused:
        now += limit.wait_s(now)
    assert now < 15.0


def test_large_frames_are_slowed_down_sooner() -> None:
    limit, now = RateLimit(0.0), 0.0
    assert all(limit.wait_s(0.0, 1_000_000) == 0.0 for _ in range(4))
    for _ in range(20):
        now += limit.wait_s(now, 1_000_000)
    assert 20 < now < 30
    assert limit.is_abused


def test_a_pause_forgives() -> None:
    limit, now = RateLimit(0.0), 0.0
    for _ in range(1300):
        now += limit.wait_s(now)
    assert not limit.is_abused
    now += 1.0
    assert limit.wait_s(now) == 0.0
    for _ in range(900):
        now += limit.wait_s(now)
    assert not limit.is_abused
