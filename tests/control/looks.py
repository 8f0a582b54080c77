"""Looks at the clock, as a loop with these delays makes them."""

from collections.abc import Iterable, Iterator

from custom_components.v2g_vpp.domain.loop_lag import LAG_RULE, LoopLook


def looks(lates_s: Iterable[float], from_mono_s: float = 1_000.0) -> Iterator[LoopLook]:
    """Yield one look after the other, each as late as told."""
    now_s = from_mono_s
    for late_s in lates_s:
        due_s = now_s + LAG_RULE.period_s
        now_s = due_s + late_s
        yield LoopLook(due_mono_s=due_s, ran_mono_s=now_s)
