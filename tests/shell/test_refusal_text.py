"""Why a new charger was turned away, as one sentence on the page that waits for it."""

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import CONF_OCPP_HOST, CONF_OCPP_NETWORKS
from custom_components.v2g_vpp.csms.refusals import STRANGER_CAUSES, RefusalCause
from custom_components.v2g_vpp.domain.visitor import (
    DischargeClaim,
    VisitorRefusal,
    VisitorReport,
)
from custom_components.v2g_vpp.refusal_text import hint_sentence
from custom_components.v2g_vpp.sentences import Sentences, async_sentences
from custom_components.v2g_vpp.text_keys import CLAIMS, HINTS
from custom_components.v2g_vpp.visitor_text import (
    charger_sentence,
    discharge_sentence,
    meter_sentence,
)

LISTENER = {CONF_OCPP_HOST: "0.0.0.0", CONF_OCPP_NETWORKS: "10.0.0.0/8"}
ONLY_OF_STATIONS = {
    RefusalCause.TOO_MANY_ATTEMPTS,
    RefusalCause.DOWNGRADE,
    RefusalCause.WRONG_CERTIFICATE,
    RefusalCause.REVOKED_CERTIFICATE,
    RefusalCause.CERTIFICATE_NOT_VALID,
}
"""What needs a past that a new charger does not have."""


@pytest.fixture
async def sentences(hass: HomeAssistant, entry: MockConfigEntry) -> Sentences:
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    sentences = await async_sentences(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    return sentences


def refusal(
    cause: str,
    identity: str = "CS-124",
    address: str = "10.0.0.9",
    detail: str = "ocpp1.5",
) -> VisitorRefusal:
    return VisitorRefusal(
        identity=identity, address=address, cause=cause, detail=detail
    )


def test_every_mistake_of_a_new_charger_has_a_hint() -> None:
    assert set(HINTS) == set(RefusalCause) - ONLY_OF_STATIONS
    assert set(HINTS) >= STRANGER_CAUSES
    assert set(CLAIMS) == set(DischargeClaim)


def test_every_hint_is_a_sentence_of_its_own(sentences: Sentences) -> None:
    hints = {
        hint_sentence(sentences, refusal(cause), "CS-2", LISTENER) for cause in HINTS
    }
    hints.add(hint_sentence(sentences, None, "CS-2", LISTENER))
    nameless = refusal(RefusalCause.UNKNOWN_IDENTITY, identity="")
    hints.add(hint_sentence(sentences, nameless, "CS-2", LISTENER))
    # Two causes name the same mistake: a network that the owner did not name.
    assert len(hints) == len(HINTS) - 1 + 2
    assert not any("{" in hint for hint in hints)


def test_a_home_of_this_machine_alone_says_that_no_charger_reaches_it(
    sentences: Sentences,
) -> None:
    def hint(host: str, refused: VisitorRefusal | None = None) -> str:
        listener = {**LISTENER, CONF_OCPP_HOST: host}
        return hint_sentence(sentences, refused, "CS-2", listener)

    for host in ("127.0.0.1", "::1"):
        assert f"listens on {host} alone" in hint(host)
    for host in ("0.0.0.0", "192.168.1.5"):
        assert "alone" not in hint(host)
    # Who was turned away has reached it: the cause is another one.
    tried = refusal(RefusalCause.WRONG_PASSWORD)
    assert hint("127.0.0.1", tried) == hint("0.0.0.0", tried)


def test_what_strangers_write_is_shown_only_where_it_is_legal(
    sentences: Sentences,
) -> None:
    odd = refusal("no_common_protocol", address="`<b>`", detail="`**x**`")
    hint = hint_sentence(sentences, odd, "CS-2", LISTENER)
    assert "<b>" not in hint
    assert "**" not in hint


def test_a_charger_cannot_leave_its_code_span(sentences: Sentences) -> None:
    report = VisitorReport(
        vendor="A`**", model="B\n# C", firmware="`", protocol="ocpp1.6"
    )
    told = charger_sentence(sentences, report)
    assert told == "`A ** B # C`, firmware -, OCPP 1.6."


def test_a_meter_and_a_claim_are_told_in_every_case(sentences: Sentences) -> None:
    said = VisitorReport(has_meter_values=True)
    meters = (
        VisitorReport(has_meter_values=True, power_w=-0.4),
        VisitorReport(has_meter_values=True, power_w=-1499.6),
        said,
        VisitorReport(),
    )
    told = [meter_sentence(sentences, report) for report in meters]
    assert told[0] == "Its meter shows 0 W."
    assert told[1] == "Its meter shows -1500 W."
    assert len(set(told)) == len(told)
    claims = {
        discharge_sentence(sentences, claim, is_chosen=is_chosen)
        for claim in DischargeClaim
        for is_chosen in (True, False)
    }
    assert len(claims) == len(DischargeClaim) + 1
