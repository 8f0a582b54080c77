"""What can go wrong between a home and its operator while it enrols."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
import ssl
from typing import Any

from aiohttp import web
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import STORE_ENROLMENT
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.enrolment_flow_steps import (
    EnrolmentRefused,
    HomeKeys,
    PendingEnrolments,
    create_home_keys,
    request_certificate,
)
from custom_components.v2g_vpp.pki.authority import (
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.vpp.probe import Enrolment

NOW = dt_util.utcnow()
AUTHORITY = create_authority("Operator", NOW)
SERVER = create_client_request("operator")
SERVER_PEM = issue_certificate(
    AUTHORITY, SERVER.csr_pem, NOW, LeafPurpose.SERVER, hosts=("127.0.0.1",)
)
KEYS = create_home_keys("north--home-1")


async def answer(request: web.Request) -> web.Response:
    """Answer as the path asks for."""
    match request.path:
        case "/nonsense":
            return web.json_response({"type": "enrolment_reply"})
        case "/markup":
            return web.Response(status=500, text="<h1>Error</h1>")
        case "/words":
            message = {"message": "The <b>code</b> is `used`."}
            return web.json_response(message, status=403)
        case "/away":
            raise web.HTTPFound("/nonsense")
        case _:
            return web.json_response(
                {
                    "type": "enrolment_reply",
                    "version": "1.0",
                    "certificate_pem": SERVER_PEM,
                }
            )


@pytest.fixture
async def operator(
    hass: HomeAssistant, free_port: int, tmp_path: Path
) -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = tmp_path / "pair.pem"
    pair.write_text(SERVER_PEM + SERVER.key_pem)
    context.load_cert_chain(pair)
    app = web.Application()
    app.router.add_post("/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port, ssl_context=context).start()
    yield f"https://127.0.0.1:{free_port}"
    await runner.cleanup()


def enrolment(url: str, **changes: Any) -> Enrolment:
    fields: dict[str, Any] = {
        "broker_host": "127.0.0.1",
        "broker_port": 8883,
        "broker_root_pem": AUTHORITY.certificate_pem,
        "aggregator_keys": {},
        "home_id": "home-1",
        "region": "north",
        "programme_id": ProgrammeId("evening"),
        "programme_name": "Evening",
        "terms_url": "https://example.org",
        "terms_sha256": "0" * 64,
        "enrol_url": url,
        "code": "code-0001",
        "expires_at": NOW + timedelta(days=1),
    }
    return Enrolment(**(fields | changes))


async def test_certificate_comes_with_the_code(
    hass: HomeAssistant, operator: str
) -> None:
    pem = await request_certificate(hass, enrolment(f"{operator}/enrol"), KEYS)
    assert pem.strip() == SERVER_PEM.strip()


@pytest.mark.parametrize(
    ("path", "key", "detail"),
    [
        ("/nonsense", "enrolment_reply_invalid", ""),
        ("/markup", "enrolment_refused", "500"),
        ("/words", "enrolment_refused", "The bcodeb is used"),
        ("/away", "enrolment_refused", "302"),
    ],
    ids=["no certificate", "a page of mark-up", "words with mark-up", "elsewhere"],
)
async def test_answer_without_a_certificate_is_told_apart(
    hass: HomeAssistant, operator: str, path: str, key: str, detail: str
) -> None:
    with pytest.raises(EnrolmentRefused) as raised:
        await request_certificate(hass, enrolment(f"{operator}{path}"), KEYS)
    assert (raised.value.key, raised.value.detail) == (key, detail)


async def test_root_that_is_none_trusts_nobody(
    hass: HomeAssistant, operator: str
) -> None:
    leaf_as_root = enrolment(f"{operator}/enrol", broker_root_pem=SERVER_PEM)
    with pytest.raises(EnrolmentRefused) as raised:
        await request_certificate(hass, leaf_as_root, KEYS)
    assert raised.value.key == "enrolment_not_trusted"


async def test_keys_wait_for_their_own_programme_and_are_forgotten_alone(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    mine, other = enrolment("https://a"), enrolment("https://a", home_id="home-2")
    pending = PendingEnrolments(hass)
    await pending.keep(mine, KEYS)
    await pending.keep(other, KEYS.with_certificate("pem"))
    assert await pending.find(mine) == KEYS
    await pending.forget(mine)
    assert await PendingEnrolments(hass).find(mine) is None
    kept = await PendingEnrolments(hass).find(other)
    assert kept is not None
    assert kept.certificate_pem == "pem"


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 99, "data": {}},
        {"version": 1, "data": {"north/home-1/evening": {"key_pem": "x"}}},
    ],
    ids=["unreadable", "of another shape"],
)
async def test_lost_keys_mean_a_new_beginning(
    hass: HomeAssistant, hass_storage: dict[str, Any], stored: dict[str, Any]
) -> None:
    hass_storage[STORE_ENROLMENT] = stored | {
        "minor_version": 1,
        "key": STORE_ENROLMENT,
    }
    assert await PendingEnrolments(hass).find(enrolment("https://a")) is None


def test_private_keys_are_in_no_text_of_the_keys() -> None:
    shown = repr(KEYS)
    assert KEYS.signing_seed not in shown
    assert "PRIVATE" not in shown
    assert HomeKeys.__name__ in shown
