"""Invitations: good ones are read, every bad field is named."""

from datetime import timedelta
import json
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.errors import InvitationInvalid
from custom_components.v2g_vpp.pki.authority import create_authority
from custom_components.v2g_vpp.vpp.enrolment import (
    enrolment_request,
    parse_enrolment_reply,
    parse_invitation,
)
from custom_components.v2g_vpp.vpp.topics import Topics

from .actors import AGGREGATOR_KEYS, EPOCH_START, HOME_SIGNER
from .schemas import example, validator

ROOT_PEM = create_authority("Operator", EPOCH_START).certificate_pem


def invitation(**changes: Any) -> Any:
    raw = example("invitation") | {
        "broker_root_pem": ROOT_PEM,
        "aggregator_keys": AGGREGATOR_KEYS,
    }
    for field, value in changes.items():
        if value is None:
            del raw[field]
        else:
            raw[field] = value
    return json.dumps(raw)


def test_good_invitation_is_read() -> None:
    enrolment = parse_invitation(f"\n {invitation()} \n", EPOCH_START)
    assert (enrolment.broker_host, enrolment.broker_port) == (
        "broker.example.org",
        8883,
    )
    assert (enrolment.region, enrolment.home_id) == ("north", "home-0001")
    assert enrolment.aggregator_keys == AGGREGATOR_KEYS
    assert enrolment.programme_name == "Evening peak"
    assert (enrolment.notice_s, enrolment.opt_out_s) == (1_800, 600)
    silent = parse_invitation(invitation(notice_s=None, opt_out_s=None), EPOCH_START)
    assert (silent.notice_s, silent.opt_out_s) == (None, None)
    nameless = parse_invitation(invitation(programme_name=None), EPOCH_START)
    assert nameless.programme_name == "evening-peak"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("notice_s", -1),
        ("opt_out_s", "600"),
        ("programme_id", "rehearsal"),
        ("broker_host", None),
        ("broker_host", "a b"),
        ("broker_port", 0),
        ("broker_port", "8883"),
        ("broker_root_pem", "-----BEGIN nothing"),
        ("broker_root_pem", 5),
        ("aggregator_keys", {}),
        ("aggregator_keys", {"agg-1": "short"}),
        ("aggregator_keys", {"agg 1": AGGREGATOR_KEYS["agg-1"]}),
        ("aggregator_keys", {"agg-1": 5}),
        ("home_id", "all"),
        ("home_id", "group"),
        ("home_id", "Home"),
        ("home_id", "a--b"),
        ("home_id", "a/b"),
        ("region", "#"),
        ("region", "x" * 32),
        ("programme_id", ""),
        ("programme_name", ""),
        ("terms_url", "http://example.org"),
        ("terms_sha256", "0"),
        ("enrol_url", "http://example.org/enrol"),
        ("enrol_url", "https://user@example.org/enrol"),
        ("enrol_url", "https://example.org:port/enrol"),
        ("enrol_url", "https:///enrol"),
        ("code", "short"),
        ("expires_at", "tomorrow"),
        ("expires_at", "2026-11-23T17:00:00.000Z"),
    ],
)
def test_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvitationInvalid) as caught:
        parse_invitation(invitation(**{field: value}), EPOCH_START)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", "\ud800", '{"type": "x"}'])
def test_what_is_no_invitation_is_called_so(text: str) -> None:
    with pytest.raises(InvitationInvalid) as caught:
        parse_invitation(text, EPOCH_START)
    assert caught.value.field == "invitation"


@pytest.mark.parametrize("field", ["programme_name", "more", "\ud800"])
def test_half_a_character_is_in_no_invitation(field: str) -> None:
    # What is set up with it could never be written to disk.
    with pytest.raises(InvitationInvalid) as caught:
        parse_invitation(invitation(**{field: "Peak \ud800"}), EPOCH_START)
    assert caught.value.field == "invitation"
    whole = parse_invitation(invitation(programme_name="Peak \U0001f600"), EPOCH_START)
    assert whole.programme_name == "Peak \U0001f600"


def test_expired_invitation_is_refused_from_its_moment_on() -> None:
    enrolment = parse_invitation(invitation(), EPOCH_START)
    just_before = enrolment.expires_at - timedelta(milliseconds=1)
    assert parse_invitation(invitation(), just_before) == enrolment
    with pytest.raises(InvitationInvalid):
        parse_invitation(invitation(), enrolment.expires_at)


def test_request_follows_its_schema() -> None:
    enrolment = parse_invitation(invitation(), EPOCH_START)
    csr_pem = "-----BEGIN CERTIFICATE REQUEST-----\n"
    request = enrolment_request(enrolment, csr_pem, HOME_SIGNER.public_key)
    validator("enrolment_request").validate(request)
    assert request["code"] == enrolment.code


def test_reply_gives_a_certificate_or_is_refused() -> None:
    reply = {
        "type": "enrolment_reply",
        "version": "1.0",
        "certificate_pem": ROOT_PEM,
    }
    assert parse_enrolment_reply(json.dumps(reply).encode()) == ROOT_PEM
    bad = [b"", b"{}", json.dumps(reply | {"certificate_pem": "x"}).encode()]
    for payload in bad:
        with pytest.raises(InvitationInvalid):
            parse_enrolment_reply(payload)


@pytest.mark.parametrize("name", ["a/b", "+", "#", "", "A", "a--b", "-a", "x" * 32])
def test_topics_cannot_be_built_from_names_that_mean_more(name: str) -> None:
    with pytest.raises(ValueError, match="region"):
        Topics(region=name, home_id="home")
    with pytest.raises(ValueError, match="home_id"):
        Topics(region="north", home_id=name)
