"""Signatures in the form of the wire."""

from base64 import urlsafe_b64encode
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.fields import SchemaError
from custom_components.v2g_vpp.vpp.parsing import parse
from custom_components.v2g_vpp.vpp.signing import (
    KeyRing,
    decode_base64url,
    decode_public_keys,
    encode_base64url,
    sign,
    signed_bytes,
)
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import AGGREGATOR, AGGREGATOR_KEYS, HOME_SIGNER, TOPICS
from .schemas import example, validator

RING = KeyRing({"home-1": HOME_SIGNER.public_key}, verify_signature)


@given(st.binary(max_size=80))
def test_base64url_is_read_back(raw: bytes) -> None:
    assert decode_base64url(encode_base64url(raw), len(raw)) == raw


@given(st.text(max_size=50))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        raw = decode_base64url(text, 32)
    except ValueError:
        return
    assert urlsafe_b64encode(raw).rstrip(b"=").decode() == text


@pytest.mark.parametrize("text", ["A" * 42 + "B", "A" * 44, "A" * 41 + "=", "é" * 43])
def test_second_spelling_of_the_same_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode_base64url(text, 32)


@given(st.text(max_size=30), st.binary(max_size=100))
def test_own_signature_is_good_for_its_topic_and_payload(
    topic: str, payload: bytes
) -> None:
    signature = sign(HOME_SIGNER, topic, payload)
    assert RING.is_signed(topic, payload, (signature,))
    assert not RING.is_signed(topic, payload + b" ", (signature,))
    assert not RING.is_signed(topic + "x", payload, (signature,))


@pytest.mark.parametrize(
    "signatures",
    [(), ("",), ("home-1",), ("home-1:",), ("home-1:x",), ("other:" + "A" * 86,)],
)
def test_signature_of_another_form_is_no_signature(signatures: tuple[str, ...]) -> None:
    assert not RING.is_signed("t", b"m", signatures)


def test_topic_and_payload_cannot_be_moved_into_each_other() -> None:
    assert signed_bytes("a", b"b") != signed_bytes("ab", b"")


def test_keys_are_replaced_as_a_whole() -> None:
    ring = KeyRing(decode_public_keys(AGGREGATOR_KEYS), verify_signature)
    signature = "agg-1:" + encode_base64url(AGGREGATOR.sign(signed_bytes("t", b"m")))
    assert ring.is_signed("t", b"m", (signature,))
    ring.replace({"home-1": HOME_SIGNER.public_key})
    assert not ring.is_signed("t", b"m", (signature,))
    assert set(ring.keys) == {"home-1"}


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"a": 1},
        {"a b": "A" * 43},
        {"a": "A" * 42},
        {f"k{index}": "A" * 43 for index in range(5)},
    ],
)
def test_bad_keys_of_a_welcome_are_refused_by_parser_and_schema(
    keys: dict[str, str],
) -> None:
    welcome = example("welcome") | {"signing_keys": keys}
    assert not validator("welcome").is_valid(welcome)
    with pytest.raises(SchemaError, match="signing_keys"):
        parse(DownType.WELCOME, json.dumps(welcome).encode())


def test_every_topic_of_the_home_is_known_and_no_other() -> None:
    for kind in DownType:
        assert TOPICS.kind_of(TOPICS.down(kind)) is kind
    assert TOPICS.kind_of(TOPICS.regional_heartbeat) is DownType.HEARTBEAT
    assert TOPICS.kind_of(TOPICS.group_command("feeder-7")) is DownType.COMMAND
    for topic in (
        "v2gvpp/v1/north/home-0002/dn/command",
        "v2gvpp/v1/north/group/a/b/dn/command",
        "v2gvpp/v1/north/group//dn/command",
        "v2gvpp/v1/south/all/dn/heartbeat",
        "v2gvpp/v1/north/home-0001/up/state",
    ):
        assert TOPICS.kind_of(topic) is None
