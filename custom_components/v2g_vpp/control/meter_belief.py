"""What a power is while nobody knows whether a meter or its calibration is right.

What protects takes the worse of the two. Where the grid is measured only the change
from what flows now has to be judged: more counts with the larger of the two gains, less
with the smaller one. So both ways to read a meter agree as long as nothing changes, and
nothing of a limit is given away for the doubt.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..domain.calibration import Calibration
from ..domain.ids import EvseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """One way to read the meters of all EVSEs; a meter without a calibration is right.

    Only calibrated ones are in the mappings.
    """

    gains: Mapping[EvseKey, float]
    """What each watt that a meter shows is taken for, for all that is compared."""

    most: Mapping[EvseKey, float]
    """The larger gain, for what may be gone."""

    def seen_w(self, key: EvseKey, power_w: float, *, is_compared: bool) -> float:
        """Return what flows when the meter of an EVSE shows ``power_w``.

        Args:
            key: of the EVSE.
            power_w: that its meter shows, signed.
            is_compared: True where what it shall do is measured alike; False where the
                power may end without being asked.
        """
        gains = self.gains if is_compared else self.most
        return gains.get(key, 1.0) * power_w

    def scaled(
        self, shares: Mapping[EvseKey, float] | None, keys: Iterable[EvseKey]
    ) -> Mapping[EvseKey, float] | None:
        """Return shares of powers that the EVSEs are told, in what flows then.

        Args:
            shares: None: 1 for all, and None again as long as none is calibrated.
            keys: of all EVSEs.
        """
        if not self.gains:
            return shares
        if shares is None:
            return {key: self.gains.get(key, 1.0) for key in keys}
        return {key: w * self.gains.get(key, 1.0) for key, w in shares.items()}


AS_SHOWN = Belief(gains={}, most={})


def beliefs(calibrations: Mapping[EvseKey, Calibration]) -> tuple[Belief, ...]:
    """Return the ways to read the meters of which each must keep every limit.

    The last one takes each power for the larger that it may be.
    """
    if not calibrations:
        return (AS_SHOWN,)
    least = {key: min(1.0, one.gain) for key, one in calibrations.items()}
    most = {key: max(1.0, one.gain) for key, one in calibrations.items()}
    return Belief(gains=least, most=most), Belief(gains=most, most=most)


def unshown_w(
    calibrations: Mapping[EvseKey, Calibration],
    shares: Mapping[EvseKey, float] | None,
    *,
    is_charge: bool,
) -> float:
    """Return what may flow in a direction while the meters show 0, W, >= 0.

    Args:
        calibrations: of the meters that have one.
        shares: with which part each EVSE counts, missing = 0; None: 1 for all.
        is_charge: the direction.
    """
    sign = 1.0 if is_charge else -1.0
    return sum(
        max(0.0, sign * one.offset_w)
        * (1.0 if shares is None else shares.get(key, 0.0))
        for key, one in calibrations.items()
    )
