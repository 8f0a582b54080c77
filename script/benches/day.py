"""Live through a day of a home with two chargers, and put it on one page.

The real site controls two simulated stations by the second: household, sun, prices, two
vehicles of the home, a guest, three dispatches of an aggregator and a fault. What comes
of it is a picture and a JSON document: money, energy, floors, contactor operations, and
the reason of every minute.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
import json
import logging
from pathlib import Path
import sys
from tempfile import gettempdir
from time import process_time

from custom_components.v2g_vpp.domain.units import watt_hours_to_kilowatt_hours
from script.benches.control import plot_folder
from script.benches.daylong.home import METER_S, DayHome
from script.benches.daylong.ledger import (
    Ledger,
    dispatch_income,
    lent_cost,
    plain_cost,
    wear_cost,
)
from script.benches.daylong.page import draw_day
from script.benches.daylong.plan import DAY_MIN, DISPATCHES
from script.benches.result import Bench, at_least, at_most
from tests.repository import INTEGRATION
from tests.site.virtual_time import in_virtual_time

LONGEST_S = 60.0
QUICK_BEGIN_MIN, QUICK_MIN = 18 * 60 + 50, 50
"""A dispatch with a fault in it."""

TEXTS = INTEGRATION / "translations" / "en.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is left of a day."""

    ledger: Ledger
    wear: float
    accepted: int
    """Dispatches that the home took."""

    cold_operations: int
    hot_operations: int


def main(argv: list[str]) -> int:
    """Run the benchmark; return the exit code."""
    folder, rest = plot_folder(argv)
    bench = Bench.from_arguments("day", rest, __doc__)
    folder = folder or Path(gettempdir())
    begin = QUICK_BEGIN_MIN if bench.is_quick else 0
    count = QUICK_MIN if bench.is_quick else DAY_MIN
    begun_s = process_time()
    day = live(begin, count)
    took_s = process_time() - begun_s
    figures = figures_of(day, took_s)
    write_page(day, figures, folder)
    for name, figure in figures.items():
        bench.say("%-32s %10.2f", name, figure)
    bench.say("the page: %s", folder / "day.png")
    targets = {
        "minutes_explained": at_least(float(count)),
        "below_floor_kwh": at_most(0.0),
        "hot_operations": at_most(0.0),
        "processor_s": at_most(LONGEST_S),
    }
    if not bench.is_quick:
        targets["saved"] = at_least(0.0)
        targets["dispatches_accepted"] = at_least(len(DISPATCHES))
    return bench.finish(figures, targets)


def live(begin_min: int, count_min: int) -> Day:
    """Live through some minutes of the day."""
    days: list[Day] = []

    @in_virtual_time
    async def run() -> None:
        async with DayHome() as home:
            await home.begin(begin_min)
            ledger = Ledger()
            for minute in range(begin_min, begin_min + count_min):
                await home.start_minute(minute)
                end_s = home.midnight_s + 60.0 * (minute + 1)
                while home.clock.monotonic() < end_s - METER_S / 2.0:
                    home.report_meters()
                    ledger.sample(home, minute)
                    await home.run(METER_S)
                ledger.end_minute(home, minute)
            days.append(
                Day(
                    ledger=ledger,
                    wear=wear_cost(home),
                    accepted=home.accepted,
                    cold_operations=sum(s.cold_operations for s in home.stations),
                    hot_operations=sum(s.hot_operations for s in home.stations),
                )
            )

    logger = logging.getLogger("custom_components")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        run()
    finally:
        # Whoever runs on in this process hears the rest.
        logger.setLevel(level)
    return days[0]


def figures_of(day: Day, took_s: float) -> dict[str, float]:
    """Return the sums of a day; money in the currency of its prices."""
    ledger, minutes = day.ledger, day.ledger.minutes
    income, plain = dispatch_income(ledger), plain_cost(minutes)
    lent = lent_cost(minutes)
    cost = ledger.bought - ledger.sold - income + day.wear + lent
    kwh = watt_hours_to_kilowatt_hours
    return {
        "bought": ledger.bought,
        "fed_in_income": ledger.sold,
        "dispatch_income": income,
        "wear": day.wear,
        "put_back": lent,
        "cost": cost,
        "cost_of_plain_charging": plain,
        "saved": plain - cost,
        "imported_kwh": kwh(ledger.imported_wh),
        "exported_kwh": kwh(ledger.exported_wh),
        "charged_kwh": kwh(ledger.charged_wh),
        "discharged_kwh": kwh(ledger.discharged_wh),
        **{
            f"dispatch_{number}_kwh": kwh(energy)
            for number, energy in enumerate(ledger.dispatched_wh, start=1)
        },
        "dispatches_accepted": day.accepted,
        "below_floor_kwh": kwh(ledger.below_floor_wh),
        "cold_operations": day.cold_operations,
        "hot_operations": day.hot_operations,
        "minutes_explained": sum(
            all(outlet.reason in _texts() for outlet in line.outlets)
            for line in minutes
        ),
        "processor_s": took_s,
    }


def write_page(day: Day, figures: dict[str, float], folder: Path) -> None:
    """Write the page and all that is on it."""
    texts, minutes = _texts(), day.ledger.minutes
    document = {
        "figures": figures,
        "dispatches": [asdict(dispatch) for dispatch in DISPATCHES],
        "minutes": [
            {
                **asdict(line),
                "outlets": [
                    {**asdict(outlet), "text": texts[outlet.reason]}
                    for outlet in line.outlets
                ],
            }
            for line in minutes
        ],
    }
    (folder / "day.json").write_text(json.dumps(document, indent=1))
    draw_day(minutes, texts, _lines(figures), folder / "day.png")


def _lines(figures: dict[str, float]) -> Sequence[tuple[str, str]]:
    def kwh(name: str) -> str:
        return f"{figures[name]:.2f} kWh"

    def money(name: str) -> str:
        return f"{figures[name]:.2f}"

    return (
        ("bought from the grid", money("bought")),
        ("paid for what was fed in", money("fed_in_income")),
        ("paid by the power plant", money("dispatch_income")),
        ("wear of the batteries", money("wear")),
        ("to put back what was lent", money("put_back")),
        ("cost of the day", money("cost")),
        ("with plain charging", money("cost_of_plain_charging")),
        ("saved", money("saved")),
        ("imported", kwh("imported_kwh")),
        ("exported", kwh("exported_kwh")),
        ("into the vehicles", kwh("charged_kwh")),
        ("out of the vehicles", kwh("discharged_kwh")),
        *(
            (f"dispatch {number}", kwh(f"dispatch_{number}_kwh"))
            for number in range(1, len(DISPATCHES) + 1)
        ),
        ("discharged below a floor", kwh("below_floor_kwh")),
        ("contactor, without a load", f"{figures['cold_operations']:.0f}"),
        ("contactor, under load", f"{figures['hot_operations']:.0f}"),
    )


def _texts() -> dict[str, str]:
    texts = json.loads(TEXTS.read_text())
    reasons: dict[str, str] = texts["entity"]["sensor"]["reason"]["state"]
    return reasons


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
