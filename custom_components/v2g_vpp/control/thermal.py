"""Power by the heat of the handle, now and at the end of what is promised.

One node: the handle goes to the air's temperature plus a rise that grows with the
square of the power, with one time constant. All three are learnt from what the sensor
and the meter show. Without a sensor the node of a sound plug is assumed, and said so.
"""

from dataclasses import dataclass, field
from math import exp, isfinite, log, sqrt

from ..domain.heat import HANDLE_STOP_C, HANDLE_WARN_C, derate_share
from ..domain.units import clamp

PROMISE_S = 3600.0
"""House rule: what is offered without a time is offered for an hour."""

BLOCK_S = 60.0
"""The node is learnt from steps of this: slower than any sensor's noise, quicker than
any handle."""

LONGEST_GAP_S = 30.0
"""A block that nobody watched for longer is thrown away."""

BLOCKS_UNTIL_LEARNT = 60
HEATED_UNTIL_LEARNT = 20
HEATED_SHARE = 0.1
"""An hour, twenty minutes of it with a power that warms. Before, what is found can only
make the node hotter and quicker than that of a sound plug."""

SPREADS = (0.05, 3.0, 3.0)
"""Plugs differ by this much from the sound one, as standard deviations of what is
estimated: what is kept of a temperature, what the rating adds, what the air adds."""

DRIFTS = (0.0005, 0.02, 0.05)
"""And change by this much per block: days get warm, contacts wear."""

SENSOR_NOISE_K = 0.5
"""Sensors of stations show whole or tenth degrees."""

FRESH_S = 60.0
"""An older reading may lag behind what the model expects."""

RISE_STEP = 0.05
"""Power comes back in steps of this share: a sensor's noise must not be written to the
charger's memory."""

QUICKEST_S, SLOWEST_S = 60.0, 7200.0
LEAST_RISE_K, MOST_RISE_K = 1.0, 150.0
COLDEST_C, HOTTEST_C = -40.0, 60.0
"""Beyond these no handle was learnt, only noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalNode:
    """What one handle does with heat; the defaults are a sound plug in a warm garage.

    They hold the rating for ever, as the type test of a plug asks for (IEC 62196-1: at
    most 50 K of rise), and reach the warning at it.
    """

    ambient_c: float = 30.0
    rise_k: float = HANDLE_WARN_C - 30.0
    """Above the air after a long time at the rating."""

    time_constant_s: float = 600.0
    is_learnt: bool = False

    def after(self, temperature_c: float, share: float, seconds: float) -> float:
        """Return the temperature after some time at a constant power, °C.

        Args:
            temperature_c: at the begin.
            share: of the rating, its sign does not matter.
            seconds: >= 0.
        """
        goal_c = self.ambient_c + self.rise_k * share * share
        return goal_c + (temperature_c - goal_c) * exp(-seconds / self.time_constant_s)

    def lasting_share(self, temperature_c: float, seconds: float) -> float:
        """Return the largest share of the rating that lasts for a time, 0..1.

        At its end the derating must leave as much as now. The temperature goes from
        here straight to its goal, so both ends decide.

        Args:
            temperature_c: now.
            seconds: how long, >= 0.
        """
        kept = exp(-seconds / self.time_constant_s)
        span_k = HANDLE_STOP_C - HANDLE_WARN_C
        heating_k = self.rise_k * (1.0 - kept)
        margin_k = HANDLE_STOP_C - temperature_c * kept - self.ambient_c * (1.0 - kept)
        # heating * p^2 + span * p = margin, the derating at the end of the time.
        if margin_k <= 0:
            at_end = 0.0
        else:
            root = sqrt(span_k * span_k + 4.0 * heating_k * margin_k)
            at_end = 2.0 * margin_k / (span_k + root)
        return min(1.0, at_end, derate_share(temperature_c))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What is known of the heat of one EVSE."""

    temperature_c: float = HANDLE_WARN_C
    """Without any reading the warning: all that a sound plug may have by itself."""

    node: ThermalNode = field(default_factory=ThermalNode)
    share: float = 1.0
    """Of the rating that is left now."""

    is_measured: bool = False
    """False: no sensor; what is said is of the model."""

    def lasting_share(self, seconds: float) -> float:
        """Return the share of the rating that lasts for a time, 0..1."""
        lasting = self.node.lasting_share(self.temperature_c, seconds)
        return min(self.share, lasting)


class ThermalWatch:
    """Learn the node of one EVSE and follow its temperature."""

    def __init__(self, node: ThermalNode | None = None) -> None:
        """Start warm.

        Args:
            node: learnt before, None to begin with that of a sound plug.
        """
        self.node = node or ThermalNode()
        self._estimate = _Estimate(self.node)
        self._temperature_c = HANDLE_WARN_C
        self._share = 1.0
        self._has_sensor = False
        self._step_mono_s: float | None = None
        self._block: _Block | None = None

    def step(
        self,
        measured_c: float | None,
        age_s: float,
        power_share: float,
        now_mono_s: float,
    ) -> Heat:
        """Return what is known now.

        Args:
            measured_c: of the handle, None when no reading counts.
            age_s: of that reading.
            power_share: power over rating that flows, of either sign.
            now_mono_s: the present; a step back in time changes nothing.
        """
        before, self._step_mono_s = self._step_mono_s, now_mono_s
        elapsed_s = 0.0 if before is None else max(0.0, now_mono_s - before)
        expected_c = self.node.after(self._temperature_c, power_share, elapsed_s)
        is_usable = measured_c is not None and isfinite(measured_c)
        if measured_c is None or not is_usable:
            self._temperature_c = expected_c
            self._block = None
        elif age_s <= FRESH_S or not self._has_sensor:
            self._temperature_c = measured_c
            self._learn(measured_c, power_share, elapsed_s)
        else:
            self._temperature_c = max(measured_c, expected_c)
            self._block = None
        self._has_sensor |= is_usable
        self._follow(derate_share(self._temperature_c))
        return Heat(
            temperature_c=self._temperature_c,
            node=self.node,
            share=self._share,
            is_measured=is_usable,
        )

    def _follow(self, share: float) -> None:
        """Take power away at once, give it back in steps."""
        is_back = share >= 1.0 or share >= self._share + RISE_STEP
        if share < self._share or is_back:
            self._share = share

    def _learn(self, measured_c: float, power_share: float, elapsed_s: float) -> None:
        block = self._block
        if block is None or elapsed_s > LONGEST_GAP_S:
            self._block = _Block(begin_c=measured_c)
            return
        block.heat += power_share * power_share * elapsed_s
        block.lasts_s += elapsed_s
        if block.lasts_s < BLOCK_S:
            return
        mean = block.heat / block.lasts_s
        self._estimate.take(block.begin_c, mean, measured_c)
        self.node = self._estimate.node(block.lasts_s)
        self._block = _Block(begin_c=measured_c)


@dataclass(slots=True)
class _Block:
    """One step of learning that is not over yet."""

    begin_c: float
    heat: float = 0.0
    lasts_s: float = 0.0


class _Estimate:
    """Recursive least squares of T' = a T + b p^2 + c, from the node known before."""

    def __init__(self, prior: ThermalNode) -> None:
        """Begin with a node, believed as far as plugs are alike."""
        kept = exp(-BLOCK_S / prior.time_constant_s)
        gain = 1.0 - kept
        self._theta = [kept, gain * prior.rise_k, gain * prior.ambient_c]
        self._covariance = [
            [spread * spread if i == j else 0.0 for j in range(3)]
            for i, spread in enumerate(SPREADS)
        ]
        self._blocks = self._heated = 0
        self._is_learnt = prior.is_learnt

    def take(self, begin_c: float, heat: float, end_c: float) -> None:
        """Take one block: where it began, its mean squared power share, its end."""
        x = (begin_c, heat, 1.0)
        p = self._covariance
        for i, (spread, drift) in enumerate(zip(SPREADS, DRIFTS, strict=True)):
            if p[i][i] < spread * spread:
                p[i][i] += drift * drift
        px = [sum(p[i][j] * x[j] for j in range(3)) for i in range(3)]
        noise = 2.0 * SENSOR_NOISE_K * SENSOR_NOISE_K
        scale = noise + sum(x[i] * px[i] for i in range(3))
        error = end_c - sum(self._theta[i] * x[i] for i in range(3))
        self._theta = [self._theta[i] + px[i] * error / scale for i in range(3)]
        self._covariance = [
            [p[i][j] - px[i] * px[j] / scale for j in range(3)] for i in range(3)
        ]
        self._blocks += 1
        self._heated += heat > HEATED_SHARE

    def node(self, block_s: float) -> ThermalNode:
        """Return the node that is believed now, inside what handles do."""
        kept = clamp(
            self._theta[0], exp(-block_s / QUICKEST_S), exp(-block_s / SLOWEST_S)
        )
        gain = 1.0 - kept
        self._is_learnt |= (
            self._blocks >= BLOCKS_UNTIL_LEARNT and self._heated >= HEATED_UNTIL_LEARNT
        )
        found = ThermalNode(
            ambient_c=clamp(self._theta[2] / gain, COLDEST_C, HOTTEST_C),
            rise_k=clamp(self._theta[1] / gain, LEAST_RISE_K, MOST_RISE_K),
            time_constant_s=-block_s / log(kept),
            is_learnt=self._is_learnt,
        )
        return found if self._is_learnt else _no_better_than_sound(found)


def _no_better_than_sound(found: ThermalNode) -> ThermalNode:
    """Return the hotter and quicker of a node and that of a sound plug."""
    sound = ThermalNode()
    return ThermalNode(
        ambient_c=max(found.ambient_c, sound.ambient_c),
        rise_k=max(found.rise_k, sound.rise_k),
        time_constant_s=min(found.time_constant_s, sound.time_constant_s),
    )
