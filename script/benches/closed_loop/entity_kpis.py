"""What the control benchmark holds chargers to that are known through entities."""

from collections.abc import Callable, Sequence

from script.benches.result import Target, at_least, at_most

from . import entities

type Hold = Callable[[str, float, Target | None], None]
type Say = Callable[..., None]

LARGEST_TRACKING_RATIO = 1.15
ENERGY_MISS = 0.02
COMMITTED_SHARE = 0.95
LARGEST_EXPORT_KWH = 0.25
MOST_SETPOINTS = 200
WHOLE_EVENING = slice(None)


def hold_entities(hold: Hold, say: Say, seeds: Sequence[int], part: slice) -> None:
    """Measure class A against what every charger is held to, class B as it is.

    Args:
        hold: takes a figure and its target.
        say: prints.
        seeds: of the signals.
        part: of each evening, in seconds.
    """
    _hold_class_a(hold, say, seeds)
    _hold_class_b(hold, say)
    seldom = min(
        entities.dispatched_share(entities.SELDOM_READ, seed) for seed in seeds
    )
    hold("seldom_read_committed_share", seldom, None)
    say("class_a, read each 5 s: takes on %.0f %% of an order", 100.0 * seldom)
    for name, link in (
        ("class_a", entities.CLASS_A),
        ("seldom_read", entities.SELDOM_READ),
        ("class_b", entities.CLASS_B),
    ):
        found = entities.evenings(link, seeds, part)
        is_held = link is entities.CLASS_A and part == WHOLE_EVENING
        hold(f"{name}_import_kwh", found.import_kwh, None)
        hold(
            f"{name}_export_kwh",
            found.export_kwh,
            at_most(LARGEST_EXPORT_KWH) if is_held else None,
        )
        hold(
            f"{name}_setpoints",
            found.setpoints,
            at_most(MOST_SETPOINTS) if is_held else None,
        )
        say(
            "%s: evening imports %.2f kWh, exports %.2f kWh with %.0f setpoints",
            name,
            found.import_kwh,
            found.export_kwh,
            found.setpoints,
        )


def _hold_class_a(hold: Hold, say: Say, seeds: Sequence[int]) -> None:
    found = entities.guarded(seeds)
    for name, figure, target in (
        ("guarantee", float(found.is_class_a), at_least(1.0)),
        ("score_over_calibrated", found.score_over_calibrated, at_least(0.0)),
        ("score_least_over_open_loop", found.score_least_over_open_loop, at_least(0.0)),
        (
            "tracking_over_oracle",
            found.tracking_over_oracle,
            at_most(LARGEST_TRACKING_RATIO),
        ),
        ("energy_miss", found.energy_miss, at_most(ENERGY_MISS)),
        ("committed_share", found.committed_share, at_least(COMMITTED_SHARE)),
        ("writes_over_budget", found.writes_over_budget, at_most(0.0)),
        ("below_floor_over_bound", found.below_floor_over_bound, at_most(1.0)),
    ):
        hold(f"class_a_{name}", figure, target)
    say(
        "class_a: score %+.3f over calibrated, tracking %.3f x oracle, energy missed by"
        " %.2f %%, %.0f %% committed",
        found.score_over_calibrated,
        found.tracking_over_oracle,
        100.0 * found.energy_miss,
        100.0 * found.committed_share,
    )


def _hold_class_b(hold: Hold, say: Say) -> None:
    guarantees = entities.GUARANTEES
    found = guarantees[entities.guarantee_of(entities.CLASS_B)]
    taken = entities.dispatched_share(entities.CLASS_B, seed=1)
    cloud = guarantees[entities.guarantee_of(entities.CLOUD)]
    charged = entities.charged_share(entities.CLOUD)
    trusted = entities.charged_share(
        entities.CLOUD, unattended_charge_w=entities.CHARGE_W
    )
    hold("class_b_guarantee", found, at_most(0.0))
    hold("class_b_committed_share", taken, at_most(0.0))
    hold("cloud_guarantee", cloud, at_most(0.0))
    hold("cloud_charged_share", charged, None)
    hold("cloud_charged_share_unattended", trusted, None)
    say(
        "class_b: takes on %.0f %% of a power plant's orders; a cloud that is read each"
        " 90 s: self-test %s, charges %.0f %% of what was asked, %.0f %% where it may"
        " charge unattended",
        100.0 * taken,
        "passed" if cloud >= 0 else "not passed",
        100.0 * charged,
        100.0 * trusted,
    )
