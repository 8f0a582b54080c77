"""Ratios of processor time, and the gate that holds them to the baseline."""

import json

import pytest

from script.benches import ratios
from script.benches.side_by_side.paired import Pair, compare
from script.benches.side_by_side.pairs import PAIRS


def test_every_ratio_has_a_baseline() -> None:
    assert set(ratios.read_baseline()) == set(PAIRS)
    assert all(ratio > 0 for ratio in ratios.read_baseline().values())


async def work() -> None:
    """Take some milliseconds."""
    if sum(number * number for number in range(40_000)) < 0:
        raise AssertionError


async def test_work_beside_itself_is_one() -> None:
    ratio = await compare(Pair(subject=work, yardstick=work), 80)
    assert ratio == pytest.approx(1.0, abs=0.1)


async def test_a_quarter_more_time_shows_as_a_quarter() -> None:
    pair = Pair(subject=work, yardstick=work)
    ratio = await compare(pair, 80, slower_percent=25.0)
    assert ratio == pytest.approx(1.25, abs=0.1)


@pytest.mark.parametrize("name", list(PAIRS))
async def test_every_pair_can_be_run_again_and_again(name: str) -> None:
    assert await compare(PAIRS[name](), 2) > 0


@pytest.mark.parametrize(("ratio", "code"), [(1.1, 0), (1.3, 1)])
def test_a_fifth_above_the_baseline_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ratio: float,
    code: int,
) -> None:
    async def measured(*_: object) -> dict[str, float]:
        return {"step": 2.0 * ratio}

    monkeypatch.setattr(ratios, "read_baseline", lambda: {"step": 2.0})
    monkeypatch.setattr(ratios, "measure", measured)
    assert ratios.main(["--json"]) == code
    last = json.loads(capsys.readouterr().out)
    assert last["targets"] == {"step": {"max": pytest.approx(2.4)}}
