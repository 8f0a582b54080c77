"""Events over HTTP: told to homes, changed, withdrawn, and what makes no sense."""

from typing import Any

import pytest

from .conftest import Rig


def peak(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "event_id": "peak-1",
        "windows": [{"start_in_s": 60, "duration_s": 600, "power_w": -5000}],
    }
    return fields | changes


async def events(rig: Rig) -> list[Any]:
    found: list[Any] = (await rig.call("GET", "/api/events"))["events"]
    return found


async def test_event_is_announced_changed_and_withdrawn(rig: Rig) -> None:
    assert await events(rig) == []
    view = await rig.call("POST", "/api/events", peak(), status=202)
    assert view["status"] == "announced"
    longer = [{"start_in_s": 60, "duration_s": 900, "power_w": -4000}]
    await rig.call("POST", "/api/events", peak(windows=longer))
    (view,) = await events(rig)
    assert view["status"] == "updated"
    assert view["windows"][0]["power_w"] == -4000
    assert (await rig.call("DELETE", "/api/events/peak-1"))["status"] == "withdrawn"
    answer = await rig.call("POST", "/api/events", peak(), status=422)
    assert "another name" in answer["message"]


async def test_events_are_kept(rig: Rig) -> None:
    whole = peak(
        homes=["home-1"],
        notice_s=60,
        opt_out_until_in_s=30,
        amount_minor_per_kwh=42,
        currency="EUR",
        start_spread_s=5,
        test=True,
    )
    await rig.call("POST", "/api/events", whole)
    before = await events(rig)
    kept = dict(rig.service.events.events)
    await rig.stop()
    await rig.start()
    assert await events(rig) == before
    assert rig.service.events.events == kept


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"event_id": "x"}, "windows"),
        (peak(windows=[]), "windows"),
        (peak(windows=[{"start_in_s": 1, "duration_s": 60}]), "either"),
        (peak(windows=[{"start_in_s": 1, "duration_s": 0, "power_w": 1}]), "duration"),
        (
            peak(windows=[{"start_in_s": 1, "duration_s": 60, "power_w": 1}] * 2),
            "overlap",
        ),
        (peak(event_id="a b"), "event_id"),
        (peak(currency="EUR"), "price"),
        (peak(currency="euro", amount_minor_per_kwh=1), "currency"),
        (peak(homes="home-1"), "homes"),
        (peak(start_spread_s=4000), "start_spread_s"),
        (peak(unknown=1), "unknown"),
    ],
)
async def test_event_that_makes_no_sense_is_explained(
    rig: Rig, body: dict[str, Any], words: str
) -> None:
    answer = await rig.call("POST", "/api/events", body, status=422)
    assert words in answer["message"]
    assert await events(rig) == []


async def test_event_that_is_not_known_cannot_be_withdrawn(rig: Rig) -> None:
    answer = await rig.call("DELETE", "/api/events/ghost", status=422)
    assert "ghost" in answer["message"]
