"""Each attack of the door benchmark, for a moment: who is connected notices nothing."""

import pytest

from custom_components.v2g_vpp.csms import http_door
from custom_components.v2g_vpp.domain.ids import StationId
from script.benches.door_attacks import ATTACKS
from script.benches.door_process import GUESTS, guest
from script.benches.fuzz_watch import PRODUCT, counted_errors
from tests.csms.peer import BOOT, Dialler, Rig, config

MOMENT_S = 0.8
ENOUGH = {"connections": 300, "slow_before": 20, "slow_after": 4}
"""Of what one alone is no attack."""


@pytest.mark.parametrize("name", ATTACKS)
async def test_who_is_connected_notices_nothing(
    socket_enabled: None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a request said that it would send is read on for a while, hung up or not.
    monkeypatch.setattr(http_door, "LINGER_S", 0.0)
    guests = [config(identity=StationId(guest(number))) for number in range(GUESTS)]
    attack, *_ = ATTACKS[name]
    with counted_errors(PRODUCT) as errors:
        async with Rig(config(), *guests) as rig, Dialler(rig) as dialler:
            peer = await dialler.dial()
            await peer.call("BootNotification", BOOT)
            assert rig.server.port is not None
            done = await attack(rig.server.port, MOMENT_S, ENOUGH.get(name, 2))
            # A slow one may not have begun yet where nothing is quick.
            assert done > 0 or name.startswith("slow")
            assert "currentTime" in await peer.call("Heartbeat", {})
            assert peer.close_code is None
    assert not errors.texts
