"""The operator's interface: bad input gets a sentence, strangers get nothing."""

from hashlib import sha256
import ssl
from typing import Any

import aiohttp
import pytest

from .conftest import Rig
from .scripted_home import Json, ScriptedHome

COMMAND = "/api/homes/home-1/command"
GOOD: Json = {"kind": "setpoint", "power_w": -5000, "duration_s": 600}
DROOP: Json = {
    "kind": "droop",
    "droop": {"nominal_mhz": 50_000, "dead_band_mhz": 10, "power_w_per_hz": 5_000},
    "duration_s": 600,
}
CURVE: Json = {"kind": "curve", "duration_s": 600}
RISING = [
    {"frequency_mhz": 49_800, "power_w": -5_000},
    {"frequency_mhz": 50_200, "power_w": 5_000},
]


BAD_INPUT: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/api/homes", {}, 422, "bad_request"),
    ("POST", "/api/homes", {"home_id": 7}, 422, "bad_request"),
    ("POST", "/api/homes", {"home_id": "x" * 400}, 422, "bad_request"),
    ("POST", "/api/homes", {"home_id": "a--b"}, 422, "name_not_allowed"),
    ("POST", "/api/homes", {"home_id": "a", "region": "south"}, 422, "bad_request"),
    ("POST", "/api/homes", {"home_id": "a", "colour": 1}, 422, "bad_request"),
    ("POST", "/api/homes", [], 422, "bad_request"),
    ("POST", "/api/enrol", {"code": "x"}, 422, "not_in_contract"),
    ("GET", "/api/homes/nobody", None, 404, "unknown_home"),
    ("GET", "/api/homes/home-1/telemetry?since=now", None, 422, "bad_request"),
    ("GET", "/api/homes/home-1/telemetry?since=nan", None, 422, "bad_request"),
    ("GET", "/api/homes/home-1/telemetry?till=1", None, 422, "bad_request"),
    ("POST", "/api/homes/nobody/command", GOOD, 404, "unknown_home"),
    ("POST", COMMAND, GOOD, 409, "home_away"),
    ("POST", COMMAND, {}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "kind": "sine"}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "kind": "droop"}, 422, "bad_request"),
    ("POST", COMMAND, DROOP, 409, "home_away"),
    ("POST", COMMAND, {**DROOP, "droop": 5}, 422, "bad_request"),
    ("POST", COMMAND, {**DROOP, "power_w": 5}, 422, "bad_request"),
    ("POST", COMMAND, {**DROOP, "droop": {"nominal_mhz": 5e4}}, 422, "bad_request"),
    ("POST", COMMAND, {**DROOP, "curve": []}, 422, "bad_request"),
    ("POST", COMMAND, {**CURVE, "curve": RISING}, 409, "home_away"),
    ("POST", COMMAND, {**CURVE, "curve": RISING[:1]}, 422, "bad_request"),
    ("POST", COMMAND, {**CURVE, "curve": RISING[::-1]}, 422, "bad_request"),
    ("POST", COMMAND, {**CURVE, "curve": [1, 2]}, 422, "bad_request"),
    ("POST", COMMAND, {**CURVE, "curve": RISING, "droop": {}}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "kind": ["setpoint"]}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "kind": "release"}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "power_w": None}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "power_w": "5"}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "power_w": True}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "power_w": 2e6}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "duration_s": 0}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "duration_s": 14401}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "start_in_s": -1}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "test": "yes"}, 422, "bad_request"),
    ("POST", COMMAND, {**GOOD, "power": 1}, 422, "bad_request"),
    ("POST", "/api/homes/home-1/cancel", {}, 409, "home_away"),
    ("POST", "/api/homes/nobody/revoke", {}, 404, "unknown_home"),
    ("POST", "/api/demand", {"power_w": 1}, 422, "bad_request"),
    ("POST", "/api/heartbeat", {}, 422, "bad_request"),
    ("POST", "/api/heartbeat", {"enabled": 1}, 422, "bad_request"),
    ("GET", "/api/nothing", None, 404, "http"),
    ("DELETE", "/api/homes", None, 405, "http"),
]


async def test_bad_input_gets_a_status_a_code_and_a_sentence(rig: Rig) -> None:
    await rig.enrol("home-1")
    for method, path, body, status, code in BAD_INPUT:
        answer = await rig.call(method, path, body, status)
        assert answer["error"] == code, (method, path, body, answer)
        assert len(answer["message"]) > 8
    assert not rig.service.leader.dispatcher.of("home-1").dispatches


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"[" * 60_000,
        b'{"a":1,"a":2}',
        b"NaN",
        b'{"home_id":"\\ud800"}',
        b'{"home_id":1' + b"0" * 400 + b"}",
    ],
    ids=[
        "half an object",
        "not UTF-8",
        "too deep",
        "a key twice",
        "NaN",
        "half a character",
        "a number without end",
    ],
)
async def test_a_body_that_is_not_json_gets_a_sentence(
    rig: Rig, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    async with rig.http.post("/api/homes", data=content, headers=headers) as response:
        assert response.status == 422
        assert (await response.json())["error"] == "bad_request"


async def test_a_body_that_is_too_long_is_refused(rig: Rig) -> None:
    body = {"home_id": "x" * 70_000}
    answer = await rig.call("POST", "/api/homes", body, 413)
    assert answer["error"] == "http"


async def test_a_page_of_the_internet_can_neither_post_nor_read(rig: Rig) -> None:
    body = '{"home_id": "home-1"}'
    async with rig.http.post("/api/homes", data=body) as response:
        # The only content types that a page may send without asking first.
        assert response.status == 422
    headers = {"Host": "evil.example.org"}
    async with rig.http.get("/api/overview", headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["error"] == "not_local"
    headers = {"Host": f"localhost:{rig.service.http_port}"}
    async with rig.http.get("/api/overview", headers=headers) as response:
        assert response.status == 200


async def test_a_code_used_twice_and_a_wrong_one_are_refused_over_tls(
    rig: Rig,
) -> None:
    invitation = await rig.call("POST", "/api/homes", {"home_id": "home-1"})
    home = ScriptedHome(rig.directory)
    request = home.request_for(invitation)
    wrong = {**request, "code": "wrong-code-0001"}
    assert (await rig.post_enrolment(invitation, wrong))[0] == 403
    status, reply = await rig.post_enrolment(invitation, request)
    assert status == 200
    assert reply["type"] == "enrolment_reply"
    status, reply = await rig.post_enrolment(invitation, request)
    assert status == 403
    assert reply["error"] == "invitation_refused"
    status, reply = await rig.post_enrolment(invitation, {"code": "x"})
    assert status == 422


async def test_the_enrolment_port_offers_nothing_of_the_operator(rig: Rig) -> None:
    invitation = await rig.call("POST", "/api/homes", {"home_id": "home-1"})
    context = ssl.create_default_context(cadata=invitation["broker_root_pem"])
    async with aiohttp.ClientSession() as session:
        base = invitation["enrol_url"].removesuffix("/enrol")
        for path in ("/api/homes", "/api/overview", "/metrics", "/"):
            async with session.get(base + path, ssl=context) as response:
                assert response.status == 404
        async with session.get(invitation["terms_url"], ssl=context) as response:
            terms = await response.read()
    assert sha256(terms).hexdigest() == invitation["terms_sha256"]


async def test_the_page_shows_no_text_as_markup(rig: Rig) -> None:
    async with rig.http.get("/") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        text = await response.text()
    assert "/api/overview" in text
    assert "innerHTML" not in text
    assert "http://" not in text
    assert "https://" not in text
