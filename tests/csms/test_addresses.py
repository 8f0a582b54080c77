"""Other servers that a station knows are told apart from this home."""

import pytest

from custom_components.v2g_vpp.csms.addresses import other_addresses
from custom_components.v2g_vpp.csms.uploads import DialledAddress
from custom_components.v2g_vpp.domain.events import StationReady
from custom_components.v2g_vpp.domain.ids import StationId
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import Dialler, Rig

CS1 = StationId("CS1")
HOME = DialledAddress(host="Home.local:8080", is_secure=False)
OLD = "wss://operator.example/ocpp/"


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        ((), ()),
        ((OLD,), (OLD,)),
        ((f"{OLD}CS1",), (OLD,)),
        (("ws://home.local:8080/", OLD), (OLD,)),
        (("wss://home.local:8080/",), ()),
        (("ws://home.local/",), ("ws://home.local/",)),
        ((OLD, OLD), (OLD,)),
        (("https://x/", "nonsense", "ws://[", "ws://h:99999/"), ()),
    ],
)
def test_addresses(urls: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert other_addresses(urls, HOME, CS1) == found


def test_before_it_dialled_every_address_is_another() -> None:
    assert other_addresses((OLD,), None, CS1) == (OLD,)


async def test_a_station_tells_where_it_dialled_before(
    rig: Rig, dialler: Dialler
) -> None:
    url = row("NetworkConfiguration", "OcppCsmsUrl", f"{OLD}CS1")
    url["component"]["instance"] = "1"
    ours = row("NetworkConfiguration", "OcppCsmsUrl", rig.url)
    ours["component"]["instance"] = "2"
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, url, ours))
    await charger.boot()
    await charger.ready(rig.sink)
    told = rig.sink.of(StationReady)[-1]
    assert told.other_addresses == (OLD,)
