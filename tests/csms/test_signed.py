"""Signed requests are answered as what they say, and shown without it."""

from base64 import urlsafe_b64encode
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.redaction import redacted
from custom_components.v2g_vpp.csms.signed import unsigned
from tests.csms.peer import BOOT, Dialler, Rig


def signed(payload: object) -> dict[str, Any]:
    text = urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return {"protected": "e30", "payload": text, "signature": "c2ln"}


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_signed_request_is_answered_like_a_plain_one(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    peer = await dialler.dial((protocol,))
    answer = await peer.ask([2, "1", "BootNotification-Signed", signed(BOOT)])
    assert answer[0] == 3
    assert answer[2]["status"] == "Accepted"
    answer = await peer.ask([2, "2", "Heartbeat-Signed", signed({"foo": 1})])
    assert answer[2] == "FormatViolation", "what is inside is judged all the same"
    for broken in ({}, {"payload": "§"}, {"payload": 5}, signed([1])):
        answer = await peer.ask([2, "3", "Heartbeat-Signed", broken])
        assert answer == [4, "3", "FormatViolation", "", {}]
    answer = await peer.ask([2, "4", "Teleport-Signed", signed({})])
    assert answer == [4, "4", "NotImplemented", "", {}]


@given(st.text(), st.dictionaries(st.text(), st.none() | st.text() | st.integers()))
def test_nothing_that_is_no_signed_request_raises(
    action: str, payload: dict[str, Any]
) -> None:
    for name in (action, f"{action}-Signed"):
        unsigned(name, payload)


def test_the_guards_of_a_frame_stand_before_what_is_signed() -> None:
    for inside in ('{"a":' * 40 + "1" + "}" * 40, "{},1", "{}],[", "null", "[]"):
        text = urlsafe_b64encode(inside.encode()).decode()
        assert unsigned("Heartbeat-Signed", {"payload": text}) is None
    text = urlsafe_b64encode(b'{"a":' + b"9" * 30 + b"}").decode()
    assert unsigned("A-Signed", {"payload": text}) == ("A", {"a": None})


@given(st.text(min_size=8, alphabet="abcdefgh0123456789"))
def test_what_is_signed_is_not_shown(secret: str) -> None:
    inside = signed({"idToken": {"idToken": secret, "type": "ISO14443"}})
    shown = redacted(json.dumps([2, "1", "Authorize-Signed", inside]))
    assert inside["payload"] not in shown
    assert "Authorize-Signed" in shown
