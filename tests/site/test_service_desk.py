"""Services of a station: power goes to 0 W before a contactor may open."""

from contextlib import suppress

import pytest

from custom_components.v2g_vpp.domain.certificates import RevokeCertificate
from custom_components.v2g_vpp.domain.errors import (
    OutOfOperation,
    SettingProtected,
    StationError,
    StationOffline,
    StationRejected,
    StationTimeout,
    UnknownTarget,
)
from custom_components.v2g_vpp.domain.events import StationDisconnected
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.requests import (
    CancelReservation,
    ChangeSetting,
    ReadLocalListVersion,
    Restart,
    SetAvailability,
    SettingName,
    StationRequest,
    Unlock,
)
from tests.site.home import Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time

RESTART = Restart(is_immediate=True)


async def ask(home: Home, request: StationRequest) -> None:
    await home.site.ask_station(home.key.station_id, request)


@pytest.mark.parametrize(
    "request_",
    [
        RESTART,
        SetAvailability(evse_id=0, is_operative=False),
        SetAvailability(evse_id=1, is_operative=False),
        Unlock(evse_id=1),
        CancelReservation(reservation_id=1),
    ],
    ids=str,
)
@in_virtual_time
async def test_what_may_open_a_contactor_finds_the_station_told_0_w(
    request_: StationRequest,
) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await ask(home, request_)
        ((asked, _),) = home.station.requests
        assert asked == request_
        assert home.station.told_w == 0
        await home.run(30)
        assert abs(home.power_w) <= 250, "it does not begin again by itself"
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: home.is_at(-5_000.0), 60, "the order goes on")


@pytest.mark.parametrize("answer", [Answer.ACCEPT, Answer.REJECT], ids=str)
@in_virtual_time
async def test_a_revocation_stops_what_flows_and_waits_for_no_consent(
    answer: Answer,
) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.answer = answer
        with suppress(StationRejected):
            await ask(home, RevokeCertificate())
        ((asked, _),) = home.station.requests
        assert asked == RevokeCertificate()
        assert home.evse.setpoint.power_w == 0


@in_virtual_time
async def test_a_station_that_is_away_can_lose_its_certificate() -> None:
    async with Home() as home:
        home.site.post(
            StationDisconnected(station_id=home.key.station_id, cause="stolen")
        )
        with pytest.raises(StationOffline):
            await ask(home, ReadLocalListVersion())
        await ask(home, RevokeCertificate())
        assert [asked for asked, _ in home.station.requests] == [RevokeCertificate()]


@in_virtual_time
async def test_what_opens_none_leaves_power_alone() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        for request in (Restart(is_immediate=False), ReadLocalListVersion()):
            await ask(home, request)
        await home.run(5)
        assert home.is_at(-5_000.0)
        assert len(home.station.requests) == 2


@in_virtual_time
async def test_the_end_of_a_reservation_interrupts_no_charging() -> None:
    async with Home() as home:
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 5_000, 60)
        await ask(home, CancelReservation(reservation_id=1))
        await home.run(5)
        assert home.power_w > 5_000


@in_virtual_time
async def test_a_station_that_does_not_take_0_w_is_not_asked_for_more() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.answer = Answer.REJECT
        with pytest.raises(StationError):
            await ask(home, RESTART)
        assert home.station.requests == []
        home.station.answer = Answer.ACCEPT
        await home.until(lambda: abs(home.power_w) <= 250, 30, "the stop came through")
        await ask(home, RESTART)
        assert len(home.station.requests) == 1


@in_virtual_time
async def test_an_evse_that_ignored_its_stops_is_not_taken_back_by_hand() -> None:
    async with Home() as home:
        home.site._registry.evses[home.key].is_made_inoperative = True
        for evse_id in (0, 1):
            with pytest.raises(OutOfOperation):
                await ask(home, SetAvailability(evse_id=evse_id, is_operative=True))
        assert home.station.requests == []
        home.site._registry.evses[home.key].is_made_inoperative = False
        await ask(home, SetAvailability(evse_id=0, is_operative=True))
        assert len(home.station.requests) == 1


@pytest.mark.parametrize("name", ["SecurityProfile", "txupdatedmeasurands"])
@in_virtual_time
async def test_settings_of_this_product_are_not_changed_by_hand(name: str) -> None:
    async with Home() as home:
        own = SettingName(component="Ctrlr", variable=name)
        with pytest.raises(SettingProtected):
            await ask(home, ChangeSetting(name=own, value="0"))
        assert home.station.requests == []
        other = SettingName(component="Ctrlr", variable="Interval")
        await ask(home, ChangeSetting(name=other, value="0"))
        assert len(home.station.requests) == 1


@in_virtual_time
async def test_every_way_not_to_be_served_has_its_error() -> None:
    async with Home() as home:
        with pytest.raises(UnknownTarget):
            await home.site.ask_station(StationId("nobody"), RESTART)
        with pytest.raises(UnknownTarget):
            await ask(home, Unlock(evse_id=9))
        home.station.answer = Answer.REJECT
        with pytest.raises(StationRejected):
            await ask(home, ReadLocalListVersion())
        home.station.answer = Answer.SILENT
        with pytest.raises(StationTimeout):
            await ask(home, ReadLocalListVersion())
        home.station.disconnect()
        with pytest.raises(StationOffline):
            await ask(home, ReadLocalListVersion())
        home.station.answer = Answer.ACCEPT
        home.station.connect()
        await ask(home, ReadLocalListVersion())
