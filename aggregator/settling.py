"""What is paid for a report: one simple rule, written down in the contract's page.

Accepted is what the home says it delivered, but not more than its own samples and its
meter's registers show, each with a tolerance. A test is never settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOLERANCE_PERMILLE = 20
"""Rounding of samples and the steps of a meter's register: 2 %."""

TOLERANCE_WH = 20
"""And never less than this: many registers step by 10 Wh."""

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a programme pays."""

    amount_minor_per_kwh: int = 25
    currency: str = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What one report is worth."""

    delivered_wh: int
    accepted_wh: int
    is_test: bool


def assess(body: Mapping[str, Any]) -> Assessment:
    """Return what of a report is accepted, Wh."""
    delivered_wh = body["delivered_wh"]
    bounds = [delivered_wh, body["requested_wh"], _with_tolerance(_sampled_wh(body))]
    registers_wh = _registers_wh(body)
    if registers_wh is not None:
        bounds.append(_with_tolerance(registers_wh))
    return Assessment(
        delivered_wh=delivered_wh,
        accepted_wh=0 if body["test"] else max(0, min(bounds)),
        is_test=body["test"],
    )


def amount_minor(accepted_wh: int, tariff: Tariff) -> int:
    """Return what is paid, rounded to the smallest unit."""
    return round(accepted_wh * tariff.amount_minor_per_kwh / 1000)


def _with_tolerance(energy_wh: float) -> int:
    margin_wh = max(TOLERANCE_WH, energy_wh * TOLERANCE_PERMILLE / 1000)
    return round(energy_wh + margin_wh)


def _sampled_wh(body: Mapping[str, Any]) -> float:
    """Return what the samples show of what was asked."""
    series = body["series"]
    interval_s: int = series["interval_s"]
    served_w = 0.0
    for power_w, asked_w in zip(series["power_w"], series["requested_w"], strict=False):
        if power_w is not None and asked_w:
            along_w = power_w if asked_w > 0 else -power_w
            served_w += min(max(along_w, 0), abs(asked_w))
    return served_w * interval_s / SECONDS_PER_HOUR


def _registers_wh(body: Mapping[str, Any]) -> float | None:
    """Return what the registers advanced in both directions, None: not known."""
    total = 0.0
    for one in body["registers"]:
        for direction in ("charged", "discharged"):
            first, last = one[f"{direction}_wh_start"], one[f"{direction}_wh_end"]
            if first is None and last is None:
                continue
            if first is None or last is None:
                return None
            total += max(0, last - first)
    has_any = any(
        one[f"{direction}_wh_end"] is not None
        for one in body["registers"]
        for direction in ("charged", "discharged")
    )
    return total if has_any else None
