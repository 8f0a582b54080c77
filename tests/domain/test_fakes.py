"""The clock of the tests keeps the rules of a real one."""

from datetime import timedelta

import pytest

from custom_components.v2g_vpp.domain.clock import Clock
from tests.fakes import FakeClock


def test_both_clocks_move_together_and_only_the_wall_clock_steps() -> None:
    fake = FakeClock()
    clock: Clock = fake
    mono_s, utc = clock.monotonic(), clock.utcnow()
    fake.advance(1.5)
    assert clock.monotonic() == mono_s + 1.5
    assert clock.utcnow() == utc + timedelta(seconds=1.5)
    fake.set_utc(utc - timedelta(days=1))
    assert clock.monotonic() == mono_s + 1.5
    with pytest.raises(ValueError, match="-1"):
        fake.advance(-1.0)
