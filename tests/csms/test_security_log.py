"""The security log: bounded, without secrets, in words of the product."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.free_text import (
    MAX_DETAIL_LENGTH,
    without_secrets,
)
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.csms.security_log import (
    _KINDS,
    MOST_PER_HOUR,
    SECONDS_PER_HOUR,
    SecurityLog,
)
from custom_components.v2g_vpp.domain.events import SecurityReported
from custom_components.v2g_vpp.domain.security import (
    KEPT_NOTES,
    SecurityEvent,
    is_critical,
    with_note,
)
from tests.csms.peer import STATION, Dialler, RecordingSink, Rig, basic
from tests.fakes import FakeClock

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)


class Log:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sink = RecordingSink()
        self.log = SecurityLog(STATION, self.sink, self.clock)

    @property
    def kinds(self) -> list[SecurityEvent]:
        return [event.kind for event in self.sink.of(SecurityReported)]


def test_every_event_of_ocpp_has_a_word_of_its_own() -> None:
    ours = {kind for kind in SecurityEvent if kind.startswith("login_")}
    ours |= {SecurityEvent.CERTIFICATE_REVOKED}
    assert set(_KINDS.values()) | {SecurityEvent.OTHER} | ours == set(SecurityEvent)


@pytest.mark.parametrize(
    ("name", "kind", "critical"),
    [
        ("TamperDetectionActivated", SecurityEvent.TAMPERING_DETECTED, True),
        ("tamperdetectionactivated", SecurityEvent.TAMPERING_DETECTED, True),
        ("InvalidMessages", SecurityEvent.MESSAGES_INVALID, False),
        ("InvalidChargePointCertificate", SecurityEvent.STATION_CERTIFICATE_INVALID, 1),
        ("AcmeDoorOpened", SecurityEvent.OTHER, False),
    ],
)
def test_a_name_becomes_an_event(
    name: str, kind: SecurityEvent, critical: object
) -> None:
    log = Log()
    log.log.reported(name, AT, None)
    detail = name if kind is SecurityEvent.OTHER else ""
    assert log.sink.events == [
        SecurityReported(station_id=STATION, kind=kind, occurred_at=AT, detail=detail)
    ]
    assert is_critical(kind) == bool(critical)


def test_a_flood_is_cut_and_does_not_hide_what_is_critical() -> None:
    log = Log()
    for _ in range(3 * MOST_PER_HOUR):
        log.log.reported("InvalidMessages", AT, None)
    assert len(log.kinds) == MOST_PER_HOUR
    log.log.reported("TamperDetectionActivated", AT, None)
    log.clock.advance(SECONDS_PER_HOUR)
    log.log.reported("InvalidMessages", AT, None)
    assert log.kinds[-2:] == [
        SecurityEvent.TAMPERING_DETECTED,
        SecurityEvent.MESSAGES_INVALID,
    ]


def test_only_refusals_that_concern_security_are_events() -> None:
    log = Log()
    for cause in RefusalCause:
        log.log.refused(cause, "192.168.1.5")
    assert SecurityEvent.LOGIN_WRONG_PASSWORD in log.kinds
    assert SecurityEvent.LOGIN_LESS_SECURE in log.kinds
    assert SecurityEvent.OTHER not in log.kinds
    assert {e.detail for e in log.sink.of(SecurityReported)} == {"192.168.1.5"}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Housing opened", "Housing opened"),
        ("TLS 1.1 from 192.168.1.5", "TLS 1.1 from 192.168.1.5"),
        ("login from fe80::1", "login from fe80::1"),
        ("password=hunter2 wrong", "password=*** wrong"),
        ("{'user': 'bob', 'origin': 'touch'}", "{'user': ***, 'origin': 'touch'}"),
        ("idToken: 04A1", "idToken: ***"),
        ("VIN WVWZZZ1JZ3W386752 seen", "VIN *** seen"),
        ("card 04A1B2C3D4E5F6", "card ***"),
        ("at 52.51631 13.37777", "at *** ***"),
        ("mail bob@example.org", "mail ***"),
        ("line\nbreak\x1b[31m", "line break [31m"),
    ],
)
def test_a_detail_holds_no_secret(told: str, shown: str) -> None:
    assert without_secrets(told) == shown


@given(st.text(max_size=300))
def test_a_detail_is_short_and_printable(text: str) -> None:
    shown = without_secrets(text)
    assert len(shown) <= MAX_DETAIL_LENGTH
    assert shown.isprintable()


def test_notes_are_bounded_and_numbered() -> None:
    notes: Any = ()
    for _ in range(KEPT_NOTES + 5):
        notes = with_note(notes, SecurityEvent.OTHER, AT, "")
    assert [n.number for n in notes] == list(range(6, KEPT_NOTES + 6))


async def test_no_password_is_in_the_log_of_the_station(
    rig: Rig, dialler: Dialler
) -> None:
    assert await dialler.status(STATION, {}) == 401
    told = await rig.sink.wait_for(SecurityReported)
    assert told.kind is SecurityEvent.LOGIN_WRONG_PASSWORD


async def test_a_wrong_password_is_in_the_log_of_the_station(
    rig: Rig, dialler: Dialler
) -> None:
    assert await dialler.status(STATION, basic(password="wrong")) == 401
    told = await rig.sink.wait_for(SecurityReported)
    assert told.kind is SecurityEvent.LOGIN_WRONG_PASSWORD
    assert told.detail == "127.0.0.1"
    assert "wrong" not in told.detail
    # A stranger has no log.
    rig.sink.clear()
    assert await dialler.status("UNKNOWN", basic("UNKNOWN")) == 404
    assert not rig.sink.events
