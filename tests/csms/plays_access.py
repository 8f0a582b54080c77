"""Scenarios H and B: who may dial in, and who may speak."""

import aiohttp

from custom_components.v2g_vpp.csms.access import FREE_ATTEMPTS
from custom_components.v2g_vpp.csms.frames import MAX_FRAME_BYTES
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.domain.events import StationConnected
from custom_components.v2g_vpp.domain.ids import StationId
from tests.csms.charger import Charger
from tests.csms.peer import NOW, STATION, basic, config
from tests.csms.scenario_table import SCENARIOS, Plays, Scene, frame_of

PLAYS = Plays()


@PLAYS.of("H01")
async def our_highest_version_wins(scene: Scene) -> None:
    peer = await scene.dialler.dial(("ocpp1.6", "ocpp2.0.1", "ocpp2.1"))
    assert peer.socket.protocol == "ocpp2.1"
    peer = await scene.dialler.dial(("ocpp1.6", "ocpp2.0.1"))
    assert peer.socket.protocol == "ocpp2.0.1"


@PLAYS.of("H02")
async def no_common_version_is_closed_at_once(scene: Scene) -> None:
    peer = await scene.dialler.dial(("ocpp9.9", "x" * 40, "ocpp1.2"))
    assert peer.socket.protocol is None
    assert await peer.closed() == 1002
    # What the station offered is told, as far as it may be shown.
    cause = RefusalCause.NO_COMMON_PROTOCOL
    assert scene.rig.refused[-1][2:] == (cause, "ocpp9.9, ocpp1.2")
    assert not scene.rig.sink.of(StationConnected)


@PLAYS.of("H03")
async def no_version_offered_is_closed_at_once(scene: Scene) -> None:
    peer = await scene.dialler.dial(())
    assert await peer.closed() == 1002


@PLAYS.of("H05")
async def user_name_must_be_the_identity(scene: Scene) -> None:
    assert await scene.dialler.status(STATION, basic("CS2")) == 401
    assert scene.rig.refused == [("CS1", "127.0.0.1", RefusalCause.WRONG_PASSWORD, "")]


@PLAYS.of("H06")
async def wrong_passwords_make_an_address_wait(scene: Scene) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert await scene.dialler.status(STATION, basic(password="wrong")) == 401
    assert await scene.dialler.status(STATION, basic()) == 429
    # The owner corrects the password: the station is let in at once.
    scene.rig.server.adopt(config())
    assert await scene.dialler.status(STATION, basic()) == 101


@PLAYS.of("H07")
async def credentials_are_needed(scene: Scene) -> None:
    assert await scene.dialler.status() == 401


@PLAYS.of("H08")
async def an_unknown_station_is_refused_and_remembered(scene: Scene) -> None:
    assert await scene.dialler.status("UNKNOWN", basic("UNKNOWN")) == 404
    assert scene.rig.refused == [
        ("UNKNOWN", "127.0.0.1", RefusalCause.UNKNOWN_IDENTITY, "")
    ]
    assert await scene.dialler.status("%3Cscript%3E", basic("<script>")) == 404
    assert len(scene.rig.refused) == 1, "an illegal identity is not even reported"


@PLAYS.of("H09")
async def the_identity_is_decoded_once(scene: Scene) -> None:
    identity = StationId("RDAM|123")
    scene.rig.server.adopt(config(identity=identity))
    status = await scene.dialler.status("RDAM%7C123", basic(identity))
    assert status == 101
    connected = await scene.rig.sink.wait_for(StationConnected)
    assert connected.station_id == identity


@PLAYS.of("H17")
async def a_wrong_password_does_not_touch_the_connected_station(scene: Scene) -> None:
    peer = await scene.booted()
    assert await scene.dialler.status(STATION, basic(password="wrong")) == 401
    assert "currentTime" in await peer.call("Heartbeat", {})


@PLAYS.of("H19")
async def a_frame_above_one_mebibyte_ends_the_link(scene: Scene) -> None:
    peer = await scene.peer(max_msg_size=0)
    await peer.socket.send_str("x" * (MAX_FRAME_BYTES + 1))
    assert await peer.closed() == 1009
    again = await scene.booted()
    assert again.close_code is None


@PLAYS.of("H20")
async def a_binary_frame_ends_the_link(scene: Scene) -> None:
    peer = await scene.peer()
    await peer.socket.send_bytes(b"[2]")
    assert await peer.closed() == 1003


@PLAYS.of("H21")
async def bad_utf_8_ends_the_link(scene: Scene) -> None:
    peer = await scene.peer()
    await peer.socket.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)
    assert await peer.closed() == 1007


@PLAYS.of("B02", "B03")
async def a_known_station_is_accepted_and_read(scene: Scene) -> None:
    charger = Charger(await scene.peer())
    answer = await charger.peer.ask(frame_of("B02"))
    assert answer[2].pop("currentTime").endswith("Z")
    assert answer == [3, "1", {"status": "Accepted", "interval": 300}]
    report = await charger.peer.request("GetBaseReport")
    assert report == {"requestId": 1, "reportBase": "FullInventory"}


@PLAYS.of("B08", "B10")
async def a_station_need_not_boot_again(scene: Scene) -> None:
    await (await scene.booted()).leave()
    await scene.rig.restart()
    peer = await scene.peer()
    answer = await peer.ask(frame_of("B08"))
    assert answer[:2] == [3, "1"]
    assert len(answer[2]["currentTime"]) == len(NOW)


SECURITY_ERROR = [4, "1", "SecurityError", "", {}]


@PLAYS.of("B07")
async def before_it_is_accepted_a_station_may_only_boot(scene: Scene) -> None:
    charger = Charger(await scene.peer())
    assert await charger.peer.ask(frame_of("B07")) == SECURITY_ERROR
    # It may never boot by itself: it is asked to.
    asked = await charger.peer.request("TriggerMessage")
    assert asked == {"requestedMessage": "BootNotification"}
    await charger.boot()
    assert "currentTime" in await charger.peer.call("Heartbeat", {})


@PLAYS.of("B04")
async def a_station_that_is_being_set_up_waits(scene: Scene) -> None:
    identity, secret = StationId("NEW"), "a-password-of-another-one"
    scene.rig.server.admit_provisionally(identity, secret, 60.0)
    peer = await scene.peer(identity=identity, password=secret)
    answer = await peer.ask(frame_of("B04"))
    assert answer[2].pop("currentTime").endswith("Z")
    expected = SCENARIOS["B04"]["ans"][0]
    expected[2].pop("currentTime", None)
    assert answer == expected
    # It stays, says nothing else, and nobody is told of it.
    assert await peer.ask([2, "2", "Heartbeat", {}]) == [4, "2", *SECURITY_ERROR[2:]]
    assert peer.close_code is None
    assert not scene.rig.sink.events
