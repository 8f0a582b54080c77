"""A bad line: what is lost, late, twice or silent."""

import pytest

from custom_components.v2g_vpp.domain.units import NotFiniteError
from custom_components.v2g_vpp.virtual.config import Fault
from custom_components.v2g_vpp.virtual.disturbance import LATE_S, Disturbance

CALL = '[2,"1","Heartbeat",{}]'
RESULT = '[3, "1", {}]'


class _Line:
    def __init__(self) -> None:
        self.faults: set[Fault] = set()
        self.slept_s: list[float] = []
        self.disturbance = Disturbance(self.faults, self._sleep)

    async def _sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)

    async def copies(self, number: int, frame: str = CALL) -> list[int]:
        return [await self.disturbance.copies_of(frame) for _ in range(number)]


async def test_a_good_line_passes_every_frame_once() -> None:
    assert await _Line().copies(5) == [1] * 5


async def test_every_third_frame_is_lost_unless_a_share_is_named() -> None:
    line = _Line()
    line.faults.add(Fault.LOSE_FRAMES)
    assert await line.copies(9) == [1, 1, 0] * 3
    line.disturbance.lose(20.0)
    assert await line.copies(10) == [1, 1, 1, 1, 0] * 2
    line.disturbance.lose(70.0)
    assert (await line.copies(1_000)).count(0) == 700
    line.disturbance.lose(100.0)
    assert await line.copies(5) == [0] * 5
    line.faults.clear()
    assert await line.copies(5) == [1] * 5


async def test_requests_are_repeated_and_answers_are_late() -> None:
    line = _Line()
    line.faults.update({Fault.REPEAT_FRAMES, Fault.LATE_ANSWERS})
    assert await line.copies(2) == [2, 2]
    assert line.slept_s == []
    assert await line.copies(2, RESULT) == [1, 1]
    line.disturbance.delay(4.0)
    assert await line.copies(1, RESULT) == [1]
    assert line.slept_s == [LATE_S, LATE_S, 4.0]


async def test_a_silent_line_passes_nothing() -> None:
    line = _Line()
    line.faults.update({Fault.HALF_OPEN, Fault.REPEAT_FRAMES})
    assert line.disturbance.is_silent
    assert await line.copies(3) == [0, 0, 0]


@pytest.mark.parametrize("share", [-1.0, 101.0, float("nan")])
def test_what_no_line_does_is_refused(share: float) -> None:
    with pytest.raises(NotFiniteError):
        _Line().disturbance.lose(share)
    with pytest.raises(NotFiniteError):
        _Line().disturbance.delay(-1.0)
