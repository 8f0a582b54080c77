"""Signatures over topic and payload."""

from pathlib import Path

from hypothesis import given, strategies as st
import pytest

from aggregator.errors import DataDirectoryError
from aggregator.signing import Signer, is_valid

TOPIC = "v2gvpp/v1/north/home-1/dn/command"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.load_or_create(tmp_path_factory.mktemp("key") / "signing.json")


def test_the_key_survives_a_restart_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "signing.json"
    first, second = Signer.load_or_create(path), Signer.load_or_create(path)
    assert first.public_keys == second.public_keys
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["{", "{}", '{"ed25519": "short"}', "[]"])
def test_a_damaged_key_is_never_replaced_by_a_new_one(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "signing.json"
    path.write_text(content)
    with pytest.raises(DataDirectoryError):
        Signer.load_or_create(path)
    assert path.read_text() == content


@given(payload=st.binary(max_size=200))
def test_a_signature_fits_its_topic_and_payload_only(
    signer: Signer, payload: bytes
) -> None:
    value, keys = signer.sign(TOPIC, payload), signer.public_keys
    assert is_valid(TOPIC, payload, [value], keys)
    assert not is_valid(TOPIC + "s", payload, [value], keys)
    assert not is_valid(TOPIC, payload + b" ", [value], keys)
    assert not is_valid(TOPIC, payload, [], keys)
    assert not is_valid(TOPIC, payload, [value, value], keys)
    assert not is_valid(TOPIC, payload, [value], {})
    assert not is_valid(TOPIC, payload, [value[:-2]], keys)
    assert not is_valid(TOPIC, payload, [value.replace(":", "")], keys)
    assert not is_valid(TOPIC, payload, [f"{value}!"], keys)


def test_another_homes_key_under_the_same_id_does_not_fit(signer: Signer) -> None:
    kid = signer.kid
    other = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert not is_valid(TOPIC, b"{}", [signer.sign(TOPIC, b"{}")], {kid: other})
    assert not is_valid(TOPIC, b"{}", [signer.sign(TOPIC, b"{}")], {kid: "x"})
