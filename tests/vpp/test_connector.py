"""How long a link waits after each kind of failure, and whom it tells."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import ssl
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.errors import (
    BrokerRefusedLogin,
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInvalid,
    TlsFault,
    V2gError,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.backoff import BUSY_DELAY_S, REFUSED_DELAY_S
from custom_components.v2g_vpp.vpp.connector import Connector
from custom_components.v2g_vpp.vpp.link_config import LinkPorts, VppLinkConfig
from custom_components.v2g_vpp.vpp.mqtt_client import (
    MqttSession,
    SessionEvents,
    SessionSettings,
)

from .actors import AGGREGATOR_KEYS, HOME_SIGNER, FakeClock, MemoryStore, RecordingHome

FIRST_S = 1.0


class Watch:
    """A connector whose sessions a test scripts, one outcome after the other."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.problems: list[V2gError] = []
        self.recoveries = 0
        self.outcome: Callable[[], Awaitable[None]] = self.nothing
        self.connector = Connector(
            VppLinkConfig(
                host="broker.example.org",
                port=8883,
                region="north",
                home_id="home-0001",
                programme_id=ProgrammeId("evening-peak"),
                aggregator_keys=AGGREGATOR_KEYS,
            ),
            LinkPorts(
                make_context=lambda: pytest.fail("no session is opened"),
                receiver=RecordingHome(),
                store=MemoryStore(),
                clock=self.clock,
                spawn=lambda *_: None,
                run_blocking=self.run_blocking,
                signer=HOME_SIGNER,
                verify=verify_signature,
                on_problem=self.problems.append,
                on_recovered=self.recovered,
                on_certificate=lambda _: None,
                on_clock=lambda _: None,
                uniform=lambda low, high: high,
                on_heard=lambda *_: None,
                on_settlement=lambda *_: None,
            ),
            self.hold,
        )

    async def hold(self) -> None:
        await self.outcome()

    async def nothing(self) -> None:
        """A session that is lost at once."""

    async def run_blocking(self, function: Callable[[], Any]) -> Any:
        return function()

    def recovered(self) -> None:
        self.recoveries += 1

    async def fails_with(self, err: Exception) -> float:
        """Return the wait after a try that failed like this."""

        async def outcome() -> None:
            raise err

        self.outcome = outcome
        return await self.connector._try_once()

    async def lasts(self, duration_s: float) -> float:
        """Return the wait after a session that was good for so long."""

        async def outcome() -> None:
            self.connector.connected()
            self.clock.advance(duration_s)

        self.outcome = outcome
        return await self.connector._try_once()


@pytest.fixture
def watch() -> Watch:
    return Watch()


def refused(fault: TlsFault) -> BrokerRefusedTls:
    return BrokerRefusedTls("broker.example.org", 8883, fault)


@pytest.mark.parametrize(
    "err",
    [
        refused(TlsFault.CERTIFICATE_EXPIRED),
        refused(TlsFault.NO_TLS_1_3),
        BrokerRefusedLogin("not_authorized"),
        CertificateInvalid("expired"),
    ],
    ids=str,
)
async def test_what_a_person_must_change_is_told_once_and_tried_each_15_minutes(
    watch: Watch, err: V2gError
) -> None:
    assert await watch.fails_with(err) == REFUSED_DELAY_S
    assert await watch.fails_with(err) == REFUSED_DELAY_S
    assert watch.problems == [err]
    await watch.lasts(60.0)
    assert watch.recoveries == 1
    await watch.fails_with(err)
    assert len(watch.problems) == 2, "after a recovery it is news again"


@pytest.mark.parametrize("reason", ["server_busy", "server_unavailable"])
async def test_busy_broker_gets_a_minute_and_is_no_problem(
    watch: Watch, reason: str
) -> None:
    assert await watch.fails_with(BrokerRefusedLogin(reason)) == BUSY_DELAY_S
    assert watch.problems == []


async def test_absent_broker_is_tried_slower_each_time_and_is_no_problem(
    watch: Watch,
) -> None:
    absent = BrokerUnreachable("broker.example.org", 8883)
    waits = [await watch.fails_with(absent) for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert watch.problems == []


async def test_unexplained_refusal_is_told_the_third_time(watch: Watch) -> None:
    cut = refused(TlsFault.OTHER)
    assert await watch.fails_with(cut) == FIRST_S
    await watch.fails_with(cut)
    assert watch.problems == []
    await watch.lasts(1.0)
    await watch.fails_with(cut)
    await watch.fails_with(cut)
    assert watch.problems == [], "a session in between starts the count afresh"
    await watch.fails_with(cut)
    assert watch.problems == [cut]


async def test_only_a_healthy_session_makes_the_next_try_quick(watch: Watch) -> None:
    absent = BrokerUnreachable("broker.example.org", 8883)
    for _ in range(4):
        await watch.fails_with(absent)
    assert await watch.lasts(59.0) == 16
    assert await watch.lasts(60.0) == FIRST_S


async def test_defect_of_ours_does_not_end_the_tries(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    assert await watch.fails_with(RuntimeError("defect")) == FIRST_S
    assert "link failed" in caplog.text
    assert await watch.lasts(60.0) == FIRST_S


async def test_loss_is_loud_once_and_the_return_says_how_long(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    absent = BrokerUnreachable("broker.example.org", 8883)
    for _ in range(3):
        await watch.fails_with(absent)
        watch.clock.advance(20.0)
    await watch.lasts(1.0)
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 2, "lost, and lost again after the session"
    assert "back after 60 s" in caplog.text


async def test_refusal_by_the_aggregator_outlives_a_reconnect(watch: Watch) -> None:
    watch.connector.refused_by_aggregator(BrokerRefusedLogin("version"))
    await watch.lasts(60.0)
    assert watch.recoveries == 0
    watch.connector.accepted_by_aggregator(None)
    assert watch.recoveries == 1


async def test_a_connect_that_fails_after_the_end_is_no_error_of_ours() -> None:
    told: list[Mapping[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    late: asyncio.Future[None] = loop.create_future()

    async def run_blocking(_work: Callable[[], Any]) -> Any:
        return await late

    session = MqttSession(
        SessionSettings(
            host="127.0.0.1",
            port=1,
            client_id="home",
            will_topic="will",
            will_payload=b"",
        ),
        ssl.create_default_context(),
        SessionEvents(arrived=lambda *_: None, published=lambda *_: None),
    )
    opening = asyncio.ensure_future(session.open(run_blocking, []))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    late.set_exception(ConnectionRefusedError())
    await asyncio.sleep(0.01)
    assert told == []
