"""The next client certificate, asked for and given over the link."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.errors import BrokerUnreachable
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.gate import DropReason
from custom_components.v2g_vpp.vpp.signing import HOME_KEY_ID, KeyRing
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import HOME_SIGNER, STRANGER, TOPICS, Pen
from .rig import Rig, run_blocking
from .schemas import validator


async def test_next_certificate_is_asked_for_in_time_and_on_demand(rig: Rig) -> None:
    await rig.aggregator.connect(run_blocking)
    in_40_days = rig.clock.utcnow() + timedelta(days=40)
    link = rig.make_link(csr_pem="-----BEGIN csr", certificate_expires_at=in_40_days)
    with pytest.raises(BrokerUnreachable):
        link.renew_certificate()
    await link.start()
    await rig.synchronised()
    await asyncio.sleep(0.2)
    assert rig.aggregator.of("csr") == []
    link.renew_certificate()
    asked = await rig.aggregator.wait_for(lambda: rig.aggregator.of("csr"))
    assert asked[0]["csr_pem"] == "-----BEGIN csr"
    validator("csr").validate(asked[0])
    (heard,) = [one for one in rig.aggregator.heard if one.kind == "csr"]
    public_key = HOME_SIGNER.public_key
    ring = KeyRing({HOME_KEY_ID: public_key}, verify_signature)
    assert ring.is_signed(heard.topic, heard.payload, heard.signatures)

    def answer(csr_id: str, pem: str, pen: Any = None) -> None:
        topic = TOPICS.down(DownType.CERTIFICATE)
        body = rig.aggregator.pen.payload(
            topic, "certificate", csr_id=csr_id, certificate_pem=pem
        )
        rig.aggregator.say(DownType.CERTIFICATE, body, qos=1, pen=pen)

    # Of a stranger, of another question, the right one, and that one once more.
    answer(asked[0]["id"], "-----BEGIN forged", Pen(rig.clock.utcnow, signer=STRANGER))
    answer(rig.aggregator.pen.payload("x", "x")["id"], "-----BEGIN other")
    answer(asked[0]["id"], "-----BEGIN next")
    answer(asked[0]["id"], "-----BEGIN again")
    await rig.until(lambda: rig.certificates_told)
    await asyncio.sleep(0.1)
    assert rig.certificates_told == ["-----BEGIN next"]
    assert link.dropped[DropReason.SIGNATURE] == 1
    await link.stop()
    # 30 days before its end nobody has to press anything.
    soon = rig.clock.utcnow() + timedelta(days=29)
    await rig.make_link(csr_pem="-----BEGIN csr", certificate_expires_at=soon).start()
    await rig.aggregator.wait_for(lambda: len(rig.aggregator.of("csr")) == 2)
