"""Every error of the product has one translation, with all that its text asks for."""

from collections.abc import Iterator
import json
import re

from homeassistant.exceptions import (
    ConfigEntryError,
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)
import pytest

from custom_components.v2g_vpp import const
from custom_components.v2g_vpp.domain import errors
from custom_components.v2g_vpp.domain.errors import TlsFault, V2gError
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.error_translation import (
    TRANSLATIONS,
    translated,
    translated_errors,
)
from custom_components.v2g_vpp.text_keys import BLOCKED, TLS, TLS_ISSUES
from tests.repository import INTEGRATION

TEXTS = json.loads((INTEGRATION / "translations" / "en.json").read_text())


def every_class(base: type[V2gError] = V2gError) -> Iterator[type[V2gError]]:
    yield base
    for child in base.__subclasses__():
        yield from every_class(child)


EXAMPLES: dict[type[V2gError], V2gError] = {
    errors.V2gError: errors.V2gError(),
    errors.StationError: errors.StationError("CS-1", "broken"),
    errors.StationOffline: errors.StationOffline("CS-1"),
    errors.StationRejected: errors.StationRejected("CS-1", "Reset", ""),
    errors.RequestNotSent: errors.RequestNotSent("CS-1", "not_offered"),
    errors.StationTimeout: errors.StationTimeout("CS-1", "Reset", 5.0),
    errors.UnknownTarget: errors.UnknownTarget("CS-1", "EVSE 4"),
    errors.ListenerError: errors.ListenerError(8080, "taken"),
    errors.ListenerCertificate: errors.ListenerCertificate(8443, "expired"),
    errors.StoreUnreadable: errors.StoreUnreadable("v2g_vpp.policy"),
    errors.StoreNewer: errors.StoreNewer("v2g_vpp.policy"),
    errors.VppError: errors.VppError(),
    errors.BrokerUnreachable: errors.BrokerUnreachable("broker", 8883),
    errors.BrokerRefusedTls: errors.BrokerRefusedTls("broker", 8883, TlsFault.OTHER),
    errors.BrokerRefusedLogin: errors.BrokerRefusedLogin("banned"),
    errors.InvitationInvalid: errors.InvitationInvalid("code"),
    errors.RehearsalRefused: errors.RehearsalRefused("dispatch_active"),
    errors.PkiError: errors.PkiError(),
    errors.CertificateInvalid: errors.CertificateInvalid("expired"),
    errors.AuthorityInvalid: errors.AuthorityInvalid("expired"),
    errors.CertificateInUse: errors.CertificateInUse("CS-1", "0a1b"),
    errors.LedgerNotWritten: errors.LedgerNotWritten("ledger.jsonl", "disk full"),
    errors.UnknownProgramme: errors.UnknownProgramme("evening-peak"),
    errors.PolicyError: errors.PolicyError(),
    errors.DischargeTooLong: errors.DischargeTooLong(900.0),
    errors.DischargeNotPermitted: errors.DischargeNotPermitted("soc_unknown"),
    errors.PowerNotAvailable: errors.PowerNotAvailable("reserve_floor"),
    errors.SocReached: errors.SocReached(80.0, 70.0),
    errors.LedgerNotWritten: errors.LedgerNotWritten("/config/x.jsonl", "disk full"),
    errors.UnknownProgramme: errors.UnknownProgramme("evening-peak"),
    errors.PowerOutOfRange: errors.PowerOutOfRange(12_000, -11_000, 11_000),
    errors.MeterSilent: errors.MeterSilent("CS-1/1"),
    errors.NothingPlugged: errors.NothingPlugged("CS-1/1"),
    errors.ControlTaken: errors.ControlTaken("CS-1/1", "planner"),
    errors.EventUnknown: errors.EventUnknown("peak-1"),
    errors.OptOutOver: errors.OptOutOver("peak-1"),
    errors.PlanInvalid: errors.PlanInvalid("slots_overlap"),
    errors.OutOfOperation: errors.OutOfOperation("CS-1/1"),
    errors.SettingProtected: errors.SettingProtected("SecurityProfile"),
    errors.EmergencyStopActive: errors.EmergencyStopActive("CS-1/1"),
}


@pytest.mark.parametrize("kind", list(every_class()), ids=lambda k: k.__name__)
def test_every_class_of_the_tree_is_translated_with_its_own_words(
    kind: type[V2gError],
) -> None:
    assert kind in TRANSLATIONS
    error = translated(EXAMPLES[kind])
    assert error.translation_domain == const.DOMAIN
    assert error.translation_key in TEXTS["exceptions"]
    text = TEXTS["exceptions"][error.translation_key]["message"]
    asked_for = set(re.findall(r"\{(\w+)\}", text))
    assert asked_for <= set(error.translation_placeholders or {})
    assert all((error.translation_placeholders or {}).values())


def test_no_two_classes_share_a_text() -> None:
    keys = [translated(EXAMPLES[kind]).translation_key for kind in every_class()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_of_a_refusal_has_a_sentence(reason: Reason) -> None:
    for kind in (errors.DischargeNotPermitted, errors.PowerNotAvailable):
        error = translated(kind(reason))
        assert error.translation_key == BLOCKED[reason] == f"blocked_{reason}"


def test_reason_of_a_later_version_still_has_a_text() -> None:
    error = translated(errors.DischargeNotPermitted("moon_phase"))
    assert error.translation_key == "discharge_not_permitted"
    assert error.translation_placeholders == {"reason": "moon_phase"}


@pytest.mark.parametrize("fault", list(TlsFault))
def test_every_tls_fault_has_an_error_and_a_repair(fault: TlsFault) -> None:
    error = translated(errors.BrokerRefusedTls("broker", 8883, fault))
    assert error.translation_key == TLS[fault]
    assert TLS_ISSUES[fault] in TEXTS["issues"]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (errors.ListenerError(80, "forbidden"), ConfigEntryNotReady),
        (errors.ListenerCertificate(80, "expired"), ConfigEntryNotReady),
        (errors.StoreUnreadable("x"), ConfigEntryError),
        (errors.StoreNewer("x"), ConfigEntryError),
        (errors.StationOffline("CS-1"), HomeAssistantError),
        (errors.NothingPlugged("CS-1/1"), ServiceValidationError),
    ],
)
def test_error_leaves_as_the_kind_that_home_assistant_acts_upon(
    raised: V2gError, expected: type[HomeAssistantError]
) -> None:
    with pytest.raises(HomeAssistantError) as caught, translated_errors():
        raise raised
    assert type(caught.value) is expected
    assert caught.value.__cause__ is raised


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), translated_errors():
        raise ZeroDivisionError
