"""What a scenario file may say, and how it is told what it may not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.conditions import Condition
from custom_components.v2g_vpp.virtual.config import Fault, Protocol
from custom_components.v2g_vpp.virtual.scenario.messages import MessageCount
from custom_components.v2g_vpp.virtual.scenario.player import Player
from custom_components.v2g_vpp.virtual.scenario.scenario import (
    Scenario,
    ScenarioError,
    parse,
)
from script.rig.scenario_file import read_scenario

from .conftest import Rig

GOOD: dict[str, Any] = {
    "name": "a test",
    "steps": [{"at 0 s": "plug in"}],
    "then": [{"by 5 s": "transaction"}],
}


def test_a_file_reads_like_the_table(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        """
name: two
given:
  protocol: "1.6"
  evses: [{plant: ideal, minimum_power_w: 2000}, {plant: slow, soc_percent: 40}]
  quirks: [refuse_zero]
  clock: {offset_s: -90, drift_ppm: 20, follows_csms: true}
steps:
  - at 10 s: plug in on EVSE 2
  - at 30 s: condition ground_fault on EVSE 2 for 15 s
  - at 30 s: lose frames 20 % for 15 s
  - at 40 s: owner stops on EVSE 2
then:
  - by 60 s: power below -4000 W on EVSE 2
  - from 60 s to 90 s: site fault E-61
"""
    )
    scenario = read_scenario(path)
    assert scenario.given.protocol is Protocol.OCPP_1_6
    assert scenario.given.evse_ids == (1, 2)
    assert scenario.given.quirks == {Fault.REFUSE_ZERO}
    changes = scenario.given.changes()
    assert changes["plant"].minimum_power_w == 2_000
    assert changes["more_evses"][0].soc_percent == 40
    assert changes["clock_offset_s"] == -90
    assert [step.evse_id for step in scenario.steps] == [2, 2, 1, 2]
    assert [step.end_s for step in scenario.steps] == [None, 45.0, 45.0, None]
    assert scenario.steps[3].deed is None
    assert scenario.then[1].look is None
    assert scenario.ends_s == 90.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stepps": []}, "'stepps' is unknown; allowed are name, given, steps, then"),
        ({"name": ""}, "name: a text"),
        ({"given": {"protocol": "1.5"}}, "given.protocol: '1.5' is not allowed"),
        ({"given": {"evses": []}}, "given.evses: a list of 1 to 9"),
        ({"given": {"evses": [{"plant": "x"}]}}, "given.evses[1].plant: 'x'"),
        ({"given": {"evses": [{"soc": 3}]}}, "given.evses[1].soc: unknown; allowed"),
        ({"given": {"evses": [{"soc_percent": 101}]}}, "within 0..100"),
        ({"given": {"evses": [{"soc_percent": True}]}}, "within 0..100"),
        ({"given": {"quirks": ["x"]}}, "given.quirks: 'x' is no quirk; allowed are ig"),
        ({"given": {"clock": {"offset_s": "x"}}}, "given.clock.offset_s: a number"),
        ({"given": {"takes_negative_limits": 1}}, "true or false"),
        ({"steps": []}, "steps: at least one"),
        ({"steps": "plug in"}, "steps: a list"),
        ({"steps": ["plug in"]}, "steps[1]: one 'time: what'"),
        ({"steps": [{"10": "plug in"}]}, "steps[1]: '10' is no time; write 'at 10 s'"),
        ({"steps": [{"at 1 s": "dance"}]}, "steps[1]: 'dance' is no step; allowed"),
        ({"steps": [{"at 1 s": "condition x"}]}, "'x' is no condition; allowed are"),
        ({"steps": [{"at 1 s": "plug in for 3 s"}]}, "'plug in' has no length"),
        ({"steps": [{"at 1 s": "lose frames 120 %"}]}, "120 % is not within 0..100 %"),
        ({"steps": [{"at 1 s": "plug in on EVSE 2"}]}, "no EVSE 2; given: 1"),
        (
            {"steps": [{"at 9 s": "reboot"}, {"at 3 s": "reboot"}]},
            "steps[2]: 3 s comes after 9 s",
        ),
        ({"then": [{"by 1 s": "joy"}]}, "then[1]: 'joy' is no expectation; allowed"),
        ({"then": [{"soon": "transaction"}]}, "then[1]: 'soon' is no time"),
        ({"then": [{"from 9 s to 3 s": "transaction"}]}, "is no time"),
    ],
)
def test_what_it_may_not_say_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse({**GOOD, **change})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nname: b", "line 1: 'name' stands there twice"),
        ("name: [", "no YAML"),
        ("- 1", "the file: names with values"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=r"a\.yaml") as caught:
        read_scenario(path)
    assert told in str(caught.value)
    with pytest.raises(ScenarioError, match="No such file"):
        read_scenario(tmp_path / "none.yaml")


class _Home:
    """Notes what the owner does; the site shows nothing."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def do(self, text: str, evse_id: int) -> None:
        self.done.append(f"{text} {evse_id}")

    def is_so(self, text: str, evse_id: int) -> bool:
        return text == "calm"


async def _play(rig: Rig, scenario: Scenario) -> tuple[Player, _Home]:
    messages, home = MessageCount(), _Home()
    await rig.start(observer=messages, is_accepted=False)
    player = Player(
        scenario, rig.station, messages, rig.clock, home, sleep=rig.clock.sleep
    )
    playing = asyncio.ensure_future(player.play())
    async with asyncio.timeout(20):
        while not playing.done():
            await rig.clock.advance(0.2)
            await asyncio.sleep(0.005)
    assert playing.result() == (player.failures == [])
    return player, home


async def test_it_is_played_in_order_and_ends_what_it_began(rig: Rig) -> None:
    scenario = parse(
        {
            "name": "a",
            "steps": [
                {"at 0 s": "plug in"},
                {"at 2 s": "owner stops"},
                {"at 5 s": "condition lock_failed for 3 s"},
            ],
            "then": [
                {"by 4 s": "transaction"},
                {"by 4 s": "sent TransactionEvent 2 times"},
                {"by 6 s": "site calm"},
                {"from 6 s to 7 s": "power above 5000 W"},
            ],
        }
    )
    player, home = await _play(rig, scenario)
    assert player.failures == []
    assert home.done == ["stops 1"]
    assert Condition.LOCK_FAILED not in rig.station.status().conditions
    assert any("lock_failed ends" in line for line in player.said)


@pytest.mark.parametrize(
    ("then", "failure"),
    [
        ({"by 2 s": "power below -100 W"}, "2.0 s  not seen: power below -100 W"),
        ({"at 1 s": "booted 2 times"}, "1.0 s  not seen: booted 2 times"),
        ({"from 1 s to 3 s": "no transaction"}, "not seen: no transaction"),
        ({"by 1 s": "received Reset"}, "not seen: received Reset"),
        ({"by 1 s": "site wild"}, "not seen: wild"),
    ],
)
async def test_what_is_not_so_is_told(
    rig: Rig, then: dict[str, str], failure: str
) -> None:
    scenario = parse({**GOOD, "then": [then]})
    player, _ = await _play(rig, scenario)
    (told,) = player.failures
    assert failure in told
