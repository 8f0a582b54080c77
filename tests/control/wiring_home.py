"""A home whose meters follow its outlets, wired as a test says, in time of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from custom_components.v2g_vpp.control.house_load import HomeReadings
from custom_components.v2g_vpp.control.wiring_step import Contradictions
from custom_components.v2g_vpp.control.wiring_watch import WiringLook, WiringWatch
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.domain.site_meters import PhaseMap, SiteWiring
from custom_components.v2g_vpp.domain.wiring import WiringFinding, WiringStep
from tests.control.given import AT, KEY

THREE = (1, 2, 3)


@dataclass(slots=True, kw_only=True)
class WiredHome:
    """Outlets, a house, and what really is behind the meters."""

    on: Mapping[EvseKey, tuple[int, ...]] = field(default_factory=lambda: {KEY: THREE})
    """The phases of the home that each outlet really is on."""

    told: Mapping[EvseKey, tuple[int, ...]] | None = None
    """The phases that the owner told; None: the true ones."""

    signs: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Of the meter on each phase; -1 counts the other way."""

    gain: float = 1.0
    """Of all meters of the home."""

    has_phases: bool = True
    house: Callable[[float], tuple[float, float, float]] = lambda _: (300.0, 200.0, 100)
    """What the rest of the home takes of each phase, W."""

    battery: Callable[[float], float] | None = None
    """What the home battery takes, W; None: the home has none."""

    is_blind: Callable[[float], bool] = lambda _: False
    """Whether power may flow that no meter of an outlet shows."""

    is_silent: Callable[[float], bool] = lambda _: False
    """Whether the meters of the outlets are not heard."""

    grid_period_s: int = 1
    grid_lag_s: int = 1
    outlet_period_s: int = 1
    noise_w: float = 15.0
    seed: int = 1
    ramp_w_per_s: float = 3_000.0
    is_test: bool = False

    now_s: float = 0.0
    steps: dict[EvseKey, list[WiringStep]] = field(default_factory=dict)
    looks: Mapping[EvseKey, WiringLook] = field(default_factory=dict)
    """Of the last second."""

    found: dict[EvseKey, WiringFinding] = field(default_factory=dict)
    ready: dict[EvseKey, bool] = field(default_factory=dict)
    powers_w: dict[EvseKey, float] = field(default_factory=dict)
    _counts: dict[EvseKey, Contradictions] = field(default_factory=dict)
    _shown: dict[object, Reading] = field(default_factory=dict)
    _past: list[tuple[float, ...]] = field(default_factory=list)
    _watch: WiringWatch = field(default_factory=WiringWatch)
    wiring: SiteWiring = field(init=False)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self.powers_w |= dict.fromkeys(self.on, 0.0)
        told = self.on if self.told is None else self.told
        self.wiring = SiteWiring(
            phase_maps={key: PhaseMap(phases=phases) for key, phases in told.items()}
        )

    def hold(self, seconds: float, power_w: float, key: EvseKey = KEY) -> None:
        """Let time pass while an outlet is told a power."""
        self.hold_all(seconds, {key: power_w})

    def hold_all(self, seconds: float, powers_w: Mapping[EvseKey, float]) -> None:
        for _ in range(round(seconds)):
            for key, power_w in powers_w.items():
                missing_w = power_w - self.powers_w[key]
                most_w = self.ramp_w_per_s
                self.powers_w[key] += max(-most_w, min(most_w, missing_w))
            self.second()

    @property
    def judged(self) -> list[WiringStep]:
        """The steps of the first outlet that could be judged."""
        return self.steps.get(KEY, [])

    def second(self) -> None:
        """Let a second pass with the powers as they are."""
        self.now_s += 1.0
        phases_w = list(self.house(self.now_s))
        for key, phases in self.on.items():
            for phase in phases:
                phases_w[phase - 1] += self.powers_w[key] / len(phases)
        battery_w = 0.0 if self.battery is None else self.battery(self.now_s)
        phases_w[0] += battery_w
        shown = tuple(
            self.gain * sign * power_w
            for sign, power_w in zip(self.signs, phases_w, strict=True)
        )
        self._past.append(shown)
        if round(self.now_s) % self.grid_period_s == 0:
            late = self._past[max(0, len(self._past) - 1 - self.grid_lag_s)]
            for number, power_w in enumerate(late, start=1):
                self._show(number, power_w)
            self._show("grid", sum(late))
            self._show("battery", battery_w)
        for key, power_w in self.powers_w.items():
            if round(self.now_s) % self.outlet_period_s == 0:
                self._show(key, power_w + self._random.gauss(0.0, self.noise_w))
        looks = self._watch.step(
            HomeReadings(
                grid=self._shown.get("grid"),
                phases=(
                    tuple(self._shown[number] for number in THREE)
                    if self.has_phases and 1 in self._shown
                    else None
                ),
                battery=None if self.battery is None else self._shown.get("battery"),
                evses={
                    key: self._shown[key]
                    for key in self.on
                    if key in self._shown and not self.is_silent(self.now_s)
                },
            ),
            self.wiring,
            self.now_s,
            tested=self.on if self.is_test else (),
            is_blind=self.is_blind(self.now_s),
        )
        self.looks = looks
        for key, look in looks.items():
            self.ready[key] = look.is_ready
            if look.step is None:
                continue
            self.steps.setdefault(key, []).append(look.step)
            finding = self._counts.setdefault(key, Contradictions()).take(look.step)
            if finding is not None:
                self.found.setdefault(key, finding)

    def _show(self, name: object, value: float) -> None:
        self._shown[name] = Reading(
            value=value, received_mono_s=self.now_s, taken_at=AT
        )
