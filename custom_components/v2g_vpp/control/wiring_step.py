"""Which wiring explains a change that two meters saw.

A change of an outlet's power has to show at the grid connection with the same sign, as
large, and on the phases that the outlet is said to be on (control brief, the site).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..domain.site_meters import PhaseMap
from ..domain.wiring import WiringFault, WiringFinding, WiringStep

SMALLEST_SHARE = 0.7
LARGEST_SHARE = 1.3
"""Of the change at the outlet (control brief, the site)."""

TOLERANCE = 0.3
"""The same, for what a phase is expected to carry."""

ALIKE_SHARE = 0.15
"""Two changes of the wrong size have one cause when they are this close; what a load of
the house did meanwhile is another size every time."""

CONTRADICTIONS = 3
"""Then the meters contradict each other (control brief, the site)."""

KEPT_FINDINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one step changed, W; every power positive into what it is named after."""

    outlet_w: float
    """Of the outlet's own meter; never 0."""

    total_w: float
    """Of the grid, with solar and home battery taken out."""

    is_start: bool
    phases_w: tuple[float, ...] | None = None
    """Of each phase of the home, L1 first; None: not measured, or not to be told from
    the rest of the house."""


def explain_change(
    change: Change, phase_map: PhaseMap, *, has_phases: bool
) -> WiringStep | None:
    """Return what a change says about the wiring, None when it says nothing.

    Args:
        change: what both meters saw.
        phase_map: of the outlet.
        has_phases: the home measures every phase: then an agreement of the sums alone
            proves nothing.
    """
    share = change.total_w / change.outlet_w
    is_size_right = SMALLEST_SHARE <= share <= LARGEST_SHARE
    is_told = has_phases and bool(phase_map.phases)
    shares: tuple[float, ...] = ()
    finding = None if is_size_right else _by_total(share)
    if change.phases_w is not None:
        shares = tuple(power_w / change.outlet_w for power_w in change.phases_w)
    if is_told and shares:
        rights = list(_right_shares(phase_map.phases, len(shares)))
        is_right = any(_is_like(shares, right) for right in rights)
        if not is_right:
            finding = _by_phases(share, shares, rights) or finding
        if finding is None and not is_right:
            return None
    elif is_told and finding is None:
        return None
    return WiringStep(
        share=share,
        is_start=change.is_start,
        phases=_moved(shares),
        finding=finding,
    )


class Contradictions:
    """Counts steps that contradict, in one way and with none that agrees between.

    Loads of the house switch at the same moment as an outlet now and then. They do it
    in another size every time; a wire that is wrong is wrong in the same way always.
    """

    def __init__(self) -> None:
        """Nothing was seen."""
        self._seen: list[WiringFinding] = []

    @property
    def count(self) -> int:
        """How many contradicted since the last that agreed."""
        return len(self._seen)

    def take(self, step: WiringStep) -> WiringFinding | None:
        """Return what is wrong once enough steps say the same."""
        if step.finding is None:
            self._seen.clear()
            return None
        self._seen = [*self._seen, step.finding][-KEPT_FINDINGS:]
        alike = [one for one in self._seen if _is_alike(one, step.finding)]
        return self._named(step.finding) if len(alike) >= CONTRADICTIONS else None

    def _named(self, found: WiringFinding) -> WiringFinding:
        """Return the finding that says most about what was found.

        A clamp that sits the wrong way round, or on another phase, only shows as a wrong
        size whenever the house moved a phase in that moment.
        """
        if found.fault is not WiringFault.WRONG_SIZE:
            return found
        telling = (
            one
            for one in reversed(self._seen)
            if one.fault is not WiringFault.WRONG_SIZE and _is_same_size(one, found)
        )
        return next(telling, found)


def _is_alike(one: WiringFinding, other: WiringFinding) -> bool:
    if (one.fault, one.phases) != (other.fault, other.phases):
        return False
    return one.fault is not WiringFault.WRONG_SIZE or _is_same_size(one, other)


def _is_same_size(one: WiringFinding, other: WiringFinding) -> bool:
    largest = max(1.0, abs(one.share), abs(other.share))
    return abs(one.share - other.share) <= ALIKE_SHARE * largest


def _by_total(share: float) -> WiringFinding:
    is_turned = -LARGEST_SHARE <= share <= -SMALLEST_SHARE
    fault = WiringFault.WRONG_SIGN if is_turned else WiringFault.WRONG_SIZE
    return WiringFinding(fault=fault, share=share)


def _right_shares(
    phases: tuple[int, ...], phase_count: int
) -> Iterator[tuple[float, ...]]:
    """Yield what each phase carries of an outlet on these phases.

    A vehicle may use fewer conductors than the outlet has, L1 of the outlet first.
    """
    for used in range(len(phases), 0, -1):
        carrying = phases[:used]
        yield tuple(carrying.count(phase) / used for phase in range(1, phase_count + 1))


def _by_phases(
    share: float, shares: tuple[float, ...], rights: list[tuple[float, ...]]
) -> WiringFinding | None:
    """Return which other wiring explains what the phases did."""
    for right in rights:
        if _is_like(shares, tuple(-part for part in right)):
            return WiringFinding(fault=WiringFault.WRONG_SIGN, share=share)
    for right in rights:
        for phase in (n for n, part in enumerate(right, start=1) if 0 < part < 1):
            turned = tuple(
                -part if n == phase else part for n, part in enumerate(right, start=1)
            )
            if _is_like(shares, turned):
                return WiringFinding(
                    fault=WiringFault.WRONG_SIGN, share=share, phases=(phase,)
                )
    for phases in _other_phases(len(shares)):
        other = next(_right_shares(phases, len(shares)))
        if _is_like(shares, other):
            return WiringFinding(
                fault=WiringFault.WRONG_PHASE, share=share, phases=phases
            )
    return None


def _other_phases(phase_count: int) -> Iterator[tuple[int, ...]]:
    every = tuple(range(1, phase_count + 1))
    yield from ((phase,) for phase in every)
    yield from (tuple(p for p in every if p != left_out) for left_out in every)
    yield every


def _is_like(shares: tuple[float, ...], expected: tuple[float, ...]) -> bool:
    largest = max(abs(part) for part in expected)
    return all(
        abs(share - part) <= TOLERANCE * (abs(part) or largest)
        for share, part in zip(shares, expected, strict=True)
    )


def _moved(shares: tuple[float, ...]) -> tuple[int, ...]:
    """Return the phases that carried a good part of it."""
    largest = max((abs(share) for share in shares), default=0.0)
    return tuple(
        n for n, share in enumerate(shares, start=1) if abs(share) > 0.5 * largest > 0
    )
