"""Mutated messages of an aggregator: survived, answered once, obeyed only when signed."""

import pytest

from custom_components.v2g_vpp.vpp.topics import DownType
from script.benches.fuzz_messages import Target, fuzz_link
from script.benches.fuzz_watch import PRODUCT, counted_errors


@pytest.mark.parametrize("seed", [3, 4])
async def test_nothing_is_obeyed_twice_or_of_a_stranger(seed: int) -> None:
    with counted_errors(PRODUCT) as errors:
        found = await fuzz_link(1_000, seed)
    assert found["wrong"] == []
    assert found["obeyed"] > 0
    assert not errors.texts


async def test_what_is_sound_gets_through_and_what_is_not_is_seen() -> None:
    target = Target(1)
    sent = target.mutator.sound(DownType.HEARTBEAT)
    target.feed(sent)
    assert target.home.beats
    # The judge itself: a beat that counts although it is called a stranger's is wrong.
    target.mutator.pen.seq.clear()
    target.mutator.pen.epoch += 1
    again = target.mutator.sound(DownType.HEARTBEAT)
    target.feed(type(again)(frame=again.frame, is_trusted=False))
    assert len(target.wrong) == 1
    await target.stop()
