"""Our link and the reference aggregator, which share nothing but the schemas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
import json
from pathlib import Path
import random
from typing import Any

import pytest

from aggregator.__main__ import main
from custom_components.v2g_vpp.domain.frequency_response import Droop
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.pki.expiry import check_client_certificate
from custom_components.v2g_vpp.pki.request import (
    client_common_name,
    create_client_request,
)
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.pki.tls import client_context
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.vpp.enrolment import (
    enrolment_request,
    parse_enrolment_reply,
    parse_invitation,
)
from custom_components.v2g_vpp.vpp.gate import DropReason
from custom_components.v2g_vpp.vpp.link import VppLink
from custom_components.v2g_vpp.vpp.link_config import LinkPorts, VppLinkConfig
from script.rig.broker import Broker, BrokerFiles
from tests.aggregator.conftest import Rig as AggregatorRig
from tests.control.responses import curve

from .actors import HOME_SIGNER, MemoryStore, RecordingHome
from .rig import run_blocking
from .test_reporting import evse, home as home_picture, reading

HOME = "home-1"


@pytest.fixture
async def operator(
    tmp_path: Path, socket_enabled: None
) -> AsyncIterator[AggregatorRig]:
    """Yield a broker and an aggregator of which no test knows the inside."""
    data = tmp_path / "data"
    assert main(["init", "--data", str(data), "--region", "north"]) == 0
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(
            Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data))
        )
        rig = AggregatorRig(data, broker, stack, tmp_path)
        stack.push_async_callback(rig.stop)
        await rig.start()
        yield rig


async def enrolled_link(operator: AggregatorRig, home: Any, **told: Any) -> VppLink:
    """Join the programme as the set-up flow does, and make the link of it."""
    clock = SystemClock()
    invitation = await operator.call("POST", "/api/homes", {"home_id": HOME})
    enrolment = parse_invitation(json.dumps(invitation), clock.utcnow())
    common_name = client_common_name(enrolment.region, enrolment.home_id)
    made = create_client_request(common_name)
    status, reply = await operator.post_enrolment(
        invitation, enrolment_request(enrolment, made.csr_pem, HOME_SIGNER.public_key)
    )
    assert status == 200, reply
    certificate_pem = parse_enrolment_reply(json.dumps(reply).encode())
    root_pem = enrolment.broker_root_pem
    check_client_certificate(
        certificate_pem, made.key_pem, common_name, root_pem, clock.utcnow()
    )
    tasks: set[asyncio.Task[None]] = set()

    def spawn(coroutine: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return VppLink(
        VppLinkConfig(
            host=enrolment.broker_host,
            port=enrolment.broker_port,
            region=enrolment.region,
            home_id=enrolment.home_id,
            programme_id=enrolment.programme_id,
            aggregator_keys=enrolment.aggregator_keys,
            tick_s=0.05,
        ),
        LinkPorts(
            make_context=lambda: client_context(
                root_pem, certificate_pem, made.key_pem
            ),
            receiver=home,
            store=MemoryStore(),
            clock=clock,
            spawn=spawn,
            run_blocking=run_blocking,
            signer=HOME_SIGNER,
            verify=verify_signature,
            on_problem=lambda err: pytest.fail(str(err)),
            on_recovered=lambda: None,
            on_certificate=lambda _: None,
            on_clock=lambda offset_s: pytest.fail(f"{offset_s} s"),
            uniform=random.uniform,
            **{"on_heard": lambda *_: None, "on_settlement": lambda *_: None} | told,
        ),
    )


async def test_home_and_aggregator_understand_each_other(
    operator: AggregatorRig,
) -> None:
    home = RecordingHome()
    link = await enrolled_link(operator, home)
    power_w = reading(-4987.4, SystemClock().monotonic())
    link.publish(home_picture(evse(measurement=Measurement(power_w=power_w))))
    await link.start()
    try:
        view = await operator.until(
            HOME, lambda v: v["availability"] is not None and v["power_w"] is not None
        )
        assert view["availability"]["site"]["lowest_w"] == -10_000
        assert round(view["power_w"]) == -4987
        async with asyncio.timeout(5):
            while len(home.beats) < 3:
                await asyncio.sleep(0.02)
        sent = await operator.call(
            "POST",
            f"/api/homes/{HOME}/command",
            {"kind": "setpoint", "power_w": -5000, "duration_s": 600},
        )
        view = await operator.until(HOME, lambda v: v["acks"])
        assert view["acks"][0]["command_id"] == sent["command_id"]
        assert view["acks"][0]["status"] == "accepted"
        assert home.orders[0].power_w == -5000.0
        await operator.call("POST", f"/api/homes/{HOME}/cancel", {})
        await operator.until(HOME, lambda v: v["commanded_w"] == 0)
        assert home.cancelled == [sent["command_id"]]
        # A heartbeat may come before the first clock check is answered.
        assert set(link.dropped) <= {DropReason.CLOCK}
    finally:
        await link.stop()


async def test_a_droop_and_a_curve_reach_the_home_that_offers_them(
    operator: AggregatorRig,
) -> None:
    home = RecordingHome()
    link = await enrolled_link(operator, home)
    link.publish(home_picture())
    await link.start()
    try:
        view = await operator.until(HOME, lambda v: v["offer"] is not None)
        assert view["offer"]["resources"][0]["features"] == []
        link.publish(home_picture(evse(support_refusal=None)))
        await operator.until(
            HOME,
            lambda v: v["offer"]["resources"][0]["features"] == ["curve", "droop"],
        )
        for order in (
            {
                "kind": "droop",
                "droop": {
                    "nominal_mhz": 50_000,
                    "dead_band_mhz": 10,
                    "power_w_per_hz": 52_600,
                },
            },
            {
                "kind": "curve",
                "curve": [
                    {"frequency_mhz": 49_800, "power_w": -10_000},
                    {"frequency_mhz": 50_200, "power_w": 10_000},
                ],
            },
        ):
            command = {**order, "duration_s": 600}
            await operator.call("POST", f"/api/homes/{HOME}/command", command)
        await operator.until(HOME, lambda v: len(v["acks"]) == 2)
        assert [order.response for order in home.orders] == [
            Droop(nominal_hz=50.0, dead_band_hz=0.01, power_w_per_hz=52_600.0),
            curve((49.8, -10_000.0), (50.2, 10_000.0)),
        ]
        view = await operator.call("GET", f"/api/homes/{HOME}")
        assert view["commanded_w"] == 0
    finally:
        await link.stop()


async def test_new_leader_takes_over_and_the_old_ones_words_are_void(
    operator: AggregatorRig,
) -> None:
    home = RecordingHome()
    link = await enrolled_link(operator, home)
    link.publish(home_picture())
    await link.start()
    try:
        await operator.until(HOME, lambda v: v["availability"] is not None)
        await operator.stop()
        await operator.start()
        beats = len(home.beats)
        async with asyncio.timeout(5):
            while len(home.beats) < beats + 2:
                await asyncio.sleep(0.02)
        await operator.call(
            "POST",
            f"/api/homes/{HOME}/command",
            {"kind": "setpoint", "power_w": -3000, "duration_s": 600},
        )
        await operator.until(HOME, lambda v: v["acks"])
        assert [order.power_w for order in home.orders] == [-3000.0]
    finally:
        await link.stop()
