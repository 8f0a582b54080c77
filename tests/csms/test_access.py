"""Who is let in."""

from base64 import b64encode
from dataclasses import replace
from ipaddress import ip_network

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.access import (
    FREE_ATTEMPTS,
    MAX_BACK_OFF_S,
    UNKNOWN_REPORTS_PER_HOUR,
    Admitted,
    Gatekeeper,
    LinkSecurity,
    Refused,
    StationConfig,
    StationFacts,
    identity_of,
)
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.domain.ids import StationId
from tests.fakes import FakeClock

PASSWORD = "correct-horse-battery"
CS1 = StationId("CS1")


def basic(user: str = CS1, password: str = PASSWORD) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class Door:
    def __init__(self, *networks: str) -> None:
        self.clock = FakeClock()
        self.told: list[tuple[str, str, RefusalCause, str]] = []
        self.gate = Gatekeeper(
            self.clock,
            tuple(ip_network(network) for network in networks),
            lambda *refusal: self.told.append(refusal),
        )
        self.gate.admit(CS1, PASSWORD)

    def knock(
        self,
        authorization: str | None,
        path: str = "/ocpp/CS1",
        address: str = "192.168.1.5",
    ) -> int:
        verdict = self.gate.judge(path, authorization, address)
        return 101 if isinstance(verdict, Admitted) else verdict.status


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/", "CS1"),
        ("/ocpp/", "CS1"),
        ("/ocpp", "cs1"),
        ("/ocpp/cs1", "cs1"),
        ("/cs1", None),
    ],
)
def test_an_identity_that_is_missing_or_miswritten_is_named_to_the_owner(
    path: str, user: str | None
) -> None:
    door = Door()
    assert door.knock(basic(user) if user is not None else None, path) == 404
    cause = RefusalCause.IDENTITY_NOT_EXACT
    assert door.told == [(CS1, "192.168.1.5", cause, "")]


@pytest.mark.parametrize(
    "header", [None, "Basic", "Basic %", "Basic AAAA", "Basic Og=="]
)
def test_a_stranger_without_an_identity_is_nobody(header: str | None) -> None:
    door = Door()
    assert door.knock(header, "/") == 404
    assert door.told == []
    assert door.knock(header, "/CS2") == 404
    (told,) = door.told
    assert told[2] is RefusalCause.UNKNOWN_IDENTITY


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/ocpp/CS1", "CS1"),
        ("/CS1", "CS1"),
        ("/a/b/c/CS1?token=1", "CS1"),
        ("/ocpp/RDAM%7C123", "RDAM|123"),
        ("/ocpp/A.b_c:d-e", "A.b_c:d-e"),
        ("/ocpp/" + "x" * 48, "x" * 48),
        ("/ocpp/" + "x" * 49, None),
        ("/ocpp/", None),
        ("/ocpp/%2525", None),
        ("/ocpp/A%2542", None),
        ("/ocpp/a%2Fb", None),
        ("/ocpp/a b", None),
        ("/ocpp/CS1%0A", None),
    ],
)
def test_the_identity_is_the_last_segment(path: str, identity: str | None) -> None:
    assert identity_of(path) == identity


@given(st.text())
def test_no_path_raises(path: str) -> None:
    identity = identity_of(path)
    assert identity is None or 1 <= len(identity) <= 48


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (basic(), 101),
        (basic().replace("Basic", "BASIC"), 101),
        (basic(password="wrong"), 401),
        (basic(user="CS2"), 401),
        (None, 401),
        ("", 401),
        ("Bearer abc", 401),
        ("Basic ???", 401),
        ("Basic " + b64encode(b"\xff\xfe").decode(), 401),
    ],
)
def test_credentials(authorization: str | None, status: int) -> None:
    assert Door().knock(authorization) == status


def test_an_identity_with_a_colon_can_log_in() -> None:
    door = Door()
    identity = StationId("A:B")
    door.gate.admit(identity, "p:w")
    assert door.knock(basic("A:B", "p:w"), "/ocpp/A:B") == 101


def test_no_password_at_all_is_told_apart_from_a_wrong_one() -> None:
    door = Door()
    for header in (None, ""):
        assert door.knock(header) == 401
        assert door.told[-1][2] is RefusalCause.PASSWORD_MISSING
    assert door.knock(basic(password="wrong")) == 401
    assert door.told[-1][2] is RefusalCause.WRONG_PASSWORD


def test_a_station_that_had_a_certificate_is_not_asked_for_a_password() -> None:
    door = Door()
    door.gate.know(CS1, StationFacts(profile=3))
    link = LinkSecurity(is_encrypted=True)
    assert door.gate.judge("/ocpp/CS1", None, "192.168.1.5", link) == Refused(401)
    assert door.told[-1][2:] == (RefusalCause.DOWNGRADE, "3")


def test_wrong_passwords_wait_longer_each_time_and_a_right_one_ends_it() -> None:
    door = Door()
    for _ in range(FREE_ATTEMPTS):
        assert door.knock(basic(password="x")) == 401
    waits = []
    for _ in range(9):
        waited = 0.0
        while door.knock(basic(password="x")) == 429:
            door.clock.advance(0.5)
            waited += 0.5
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 16, 32, MAX_BACK_OFF_S, MAX_BACK_OFF_S, MAX_BACK_OFF_S]
    assert door.knock(basic()) == 429
    door.clock.advance(MAX_BACK_OFF_S)
    assert door.knock(basic()) == 101
    assert door.knock(basic(password="x")) == 401, "counted from the start again"
    assert door.knock(basic()) == 101


def test_one_station_with_a_wrong_password_does_not_lock_out_its_neighbour() -> None:
    door = Door()
    door.gate.admit(StationId("CS2"), PASSWORD)
    for _ in range(FREE_ATTEMPTS + 1):
        door.knock(basic(password="x"))
    assert door.knock(basic()) == 429
    assert door.knock(basic("CS2"), "/ocpp/CS2") == 101


def test_a_removed_station_is_unknown() -> None:
    door = Door()
    door.gate.revoke(CS1)
    door.gate.revoke(CS1)
    assert door.knock(basic()) == 404
    door.gate.admit(CS1, PASSWORD)
    assert door.knock(basic()) == 101


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("192.168.7.9", 101),
        ("::ffff:192.168.7.9", 101),
        ("fe80::1%eth0", 101),
        ("203.0.113.9", 403),
        ("fd00::1", 403),
        ("not an address", 403),
        ("", 403),
    ],
)
def test_only_networks_that_are_allowed_may_dial_in(address: str, status: int) -> None:
    door = Door("192.168.0.0/16", "fe80::/10")
    assert door.knock(basic(), address=address) == status
    if status == 403:
        assert door.told[-1][:3] == (
            "CS1",
            address,
            RefusalCause.NETWORK_NOT_ALLOWED,
        )


@pytest.mark.parametrize(
    ("path", "user", "named"),
    [("/ocpp/CS1", None, "CS1"), ("/ocpp", "CS1", "CS1"), ("/ocpp/cs1", None, "CS1")],
)
def test_a_station_of_the_home_is_named_when_its_network_may_not_dial_in(
    path: str, user: str | None, named: str
) -> None:
    door = Door("192.168.0.0/16")
    header = basic(user) if user is not None else None
    for _ in range(2 * UNKNOWN_REPORTS_PER_HOUR):
        assert door.knock(header, path, "203.0.113.9") == 403
    told = (named, "203.0.113.9", RefusalCause.NETWORK_NOT_ALLOWED, "")
    assert door.told == [told] * UNKNOWN_REPORTS_PER_HOUR


def test_the_exact_name_is_told_where_two_differ_by_capitals_only() -> None:
    door = Door("192.168.0.0/16")
    door.gate.admit(StationId("cs1"), PASSWORD)
    for identity in ("CS1", "cs1"):
        assert door.knock(None, f"/ocpp/{identity}", "203.0.113.9") == 403
        assert door.told[-1][0] == identity


def test_a_station_that_is_just_set_up_is_named_when_its_network_may_not_dial_in() -> (
    None
):
    door = Door("192.168.0.0/16")
    door.gate.admit_guest(StationId("NEW"), PASSWORD)
    watched: list[tuple[str, ...]] = []
    door.gate.watch = lambda *refusal: watched.append(refusal)
    assert door.knock(basic("NEW"), "/ocpp/NEW", "203.0.113.9") == 403
    cause = RefusalCause.NETWORK_NOT_ALLOWED
    assert watched == [("NEW", "203.0.113.9", cause, "")]
    assert door.told == []


def test_a_stranger_from_another_network_is_not_taken_for_one_of_the_home() -> None:
    door = Door("192.168.0.0/16")
    assert door.knock(None, "/index.html", "203.0.113.9") == 403
    assert [cause for _, _, cause, _ in door.told] == [RefusalCause.STRANGER_OUTSIDE]


@pytest.mark.parametrize(
    ("before", "link", "needed"),
    [
        (3, LinkSecurity(), "3"),
        (3, LinkSecurity(is_encrypted=True), "3"),
        (2, LinkSecurity(), "2"),
        (1, LinkSecurity(is_1_6=True), "1"),
    ],
    ids=str,
)
def test_a_station_with_less_security_is_told_what_it_had(
    before: int, link: LinkSecurity, needed: str
) -> None:
    door = Door("192.168.0.0/16")
    facts = StationFacts(profile=before, allows_no_password=before == 1)
    door.gate.know(CS1, facts)
    header = None if before == 1 else basic()
    verdict = door.gate.judge("/ocpp/CS1", header, "192.168.1.5", link)
    assert verdict == Refused(401)
    assert door.told == [(CS1, "192.168.1.5", RefusalCause.DOWNGRADE, needed)]


def test_refusals_are_told_a_bounded_number_of_times_per_hour() -> None:
    door = Door()
    for number in range(30):
        assert door.knock(None, f"/ocpp/new{number}") == 404
    assert len(door.told) == UNKNOWN_REPORTS_PER_HOUR
    assert door.knock(None, "/ocpp/new", "192.168.1.6") == 404
    assert len(door.told) == UNKNOWN_REPORTS_PER_HOUR + 1, "another address may"
    door.clock.advance(3600.0)
    door.knock(None, "/ocpp/new")
    assert len(door.told) == UNKNOWN_REPORTS_PER_HOUR + 2


def test_a_scan_from_many_addresses_is_forgotten_in_order() -> None:
    door = Door()
    for number in range(2000):
        door.knock(None, "/ocpp/new", f"10.0.{number // 250}.{number % 250}")
    assert len(door.gate._sources) <= 512


def test_without_anyone_to_tell_refusals_are_silent() -> None:
    gate = Gatekeeper(FakeClock())
    assert gate.judge("/ocpp/x", None, "1.2.3.4") == Refused(404)


def test_a_password_is_not_shown() -> None:
    assert PASSWORD not in repr(StationConfig(identity=CS1, password=PASSWORD))


def test_names_made_up_by_others_do_not_silence_the_repair_of_an_own_station() -> None:
    door = Door()
    for number in range(20):
        door.gate.judge(f"/ocpp/MADE-UP-{number}", None, "192.0.2.7")
    assert len(door.told) == UNKNOWN_REPORTS_PER_HOUR
    door.gate.judge("/ocpp/CS1", basic(password="wrong"), "192.0.2.7")
    assert door.told[-1] == ("CS1", "192.0.2.7", RefusalCause.WRONG_PASSWORD, "")
    door.gate.report(CS1, "192.0.2.7", RefusalCause.NO_COMMON_PROTOCOL, "x")
    assert door.told[-1][2:] == (RefusalCause.NO_COMMON_PROTOCOL, "x")


OLD = LinkSecurity(is_1_6=True)
OPEN = StationFacts(allows_no_password=True)


@pytest.mark.parametrize(
    ("networks", "facts", "link", "authorization", "status"),
    [
        (("192.168.0.0/16",), OPEN, OLD, None, 101),
        (("192.168.0.0/16",), StationFacts(), OLD, None, 401),
        ((), OPEN, OLD, None, 401),
        (("10.0.0.0/8",), OPEN, OLD, None, 403),
        (("192.168.0.0/16",), OPEN, LinkSecurity(), None, 401),
        (("192.168.0.0/16",), OPEN, replace(OLD, is_encrypted=True), None, 401),
        (("192.168.0.0/16",), OPEN, OLD, basic(password="wrong"), 401),
        (("192.168.0.0/16",), OPEN, OLD, "", 401),
        (("192.168.0.0/16",), OPEN, OLD, basic(), 101),
        (("192.168.0.0/16",), replace(OPEN, profile=1), OLD, None, 401),
    ],
    ids=[
        "allowed, named networks, 1.6 in the clear",
        "not allowed by the owner",
        "no networks named",
        "of another network",
        "2.x",
        "encrypted",
        "a wrong password is no missing one",
        "an empty one neither",
        "the right password is always good",
        "it was here with a password before",
    ],
)
def test_no_password_is_enough_only_where_everything_says_so(
    networks: tuple[str, ...],
    facts: StationFacts,
    link: LinkSecurity,
    authorization: str | None,
    status: int,
) -> None:
    door = Door(*networks)
    door.gate.know(CS1, facts)
    verdict = door.gate.judge("/ocpp/CS1", authorization, "192.168.1.5", link)
    assert (101 if isinstance(verdict, Admitted) else verdict.status) == status
    if isinstance(verdict, Admitted):
        assert verdict.profile == (0 if authorization is None else 1)


def test_no_password_is_no_way_in_for_a_guest_or_a_stranger() -> None:
    door = Door("192.168.0.0/16")
    door.gate.know(CS1, OPEN)
    door.gate.admit_guest(StationId("NEW"), PASSWORD)
    for path, status in (("/NEW", 401), ("/STRANGER", 404)):
        verdict = door.gate.judge(path, None, "192.168.1.5", OLD)
        assert verdict == Refused(status)
