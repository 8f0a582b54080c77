"""How entities appear, disappear and change, on every level."""

from tests.shell.home import Home


async def test_evse_entities_appear_when_the_station_lists_its_evses(
    home: Home,
) -> None:
    assert home.state("binary_sensor", "link", "CS-1_0").state == "off"
    assert not home.has_entity("sensor", "state")

    await home.connect()
    assert home.state("binary_sensor", "link", "CS-1_0").state == "on"
    assert home.state("sensor", "state").state == "available"
