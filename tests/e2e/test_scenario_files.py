"""Every scenario file, on a real listener and the real site, in virtual time."""

from pathlib import Path

import pytest

from custom_components.v2g_vpp.virtual.scenario.messages import MessageCount
from custom_components.v2g_vpp.virtual.scenario.player import Player
from script.rig.scenario_file import read_scenario
from tests.e2e.loopback_time import in_loopback_time, loopback_clock
from tests.e2e.scenario_home import ScenarioHome, dialect_of, read_owner, read_site
from tests.e2e.virtual_home import VirtualHome

FILES = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yaml"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_there_are_files() -> None:
    assert len(FILES) >= 12


@every_file
def test_it_says_nothing_that_nobody_understands(path: Path) -> None:
    scenario = read_scenario(path)
    dialect_of(scenario)
    for step in scenario.steps:
        if step.deed is None:
            read_owner(step.text)
    for each in scenario.then:
        if each.look is None:
            read_site(each.text)


@every_file
@in_loopback_time
async def test_it_comes_as_the_file_says(path: Path, socket_enabled: None) -> None:
    scenario = read_scenario(path)
    messages = MessageCount()
    async with VirtualHome(
        scenario.given.protocol,
        dialect_of(scenario),
        observer=messages,
        **scenario.given.changes(),
    ) as home:
        player = Player(
            scenario, home.station, messages, loopback_clock(), ScenarioHome(home)
        )
        is_met = await player.play()
        assert is_met, "\n".join([*player.said, str(home.truth), str(home.evse)])
