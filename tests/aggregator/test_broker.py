"""The broker rig: a real mosquitto that starts, stops, freezes and refuses."""

import os
from pathlib import Path
import shutil
import socket
import ssl

import pytest

from aggregator.__main__ import main
import script.rig.broker as rig
from script.rig.broker import Broker, BrokerError, BrokerFiles, PortTakenError
from script.rig.processes import free_port

pytestmark = pytest.mark.usefixtures("socket_enabled")


def handshake(broker: Broker, data: Path, client: str | None, **versions: int) -> str:
    """Return the TLS version, or the reason of the refusal."""
    context = ssl.create_default_context(cafile=data / "authority" / "root.pem")
    for name, value in versions.items():
        setattr(context, name, value)
    if client is not None:
        stem = data / "authority" / client
        context.load_cert_chain(stem.with_suffix(".pem"), stem.with_suffix(".key"))
    address = ("127.0.0.1", broker.port)
    with (
        socket.create_connection(address, 2) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        tls.settimeout(0.3)
        try:
            # In TLS 1.3 a refused client learns of it at its first read only.
            tls.recv(1)
        except TimeoutError:
            return tls.version() or ""
    return "closed"


def test_only_tls_1_3_with_a_client_certificate_gets_in(
    broker: Broker, data: Path
) -> None:
    assert handshake(broker, data, "aggregator") == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        handshake(broker, data, None)
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_CERTIFICATE"):
        handshake(broker, data, "server")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        handshake(broker, data, "aggregator", maximum_version=ssl.TLSVersion.TLSv1_2)


def test_it_runs_the_documented_configuration_but_for_its_own_places(
    broker: Broker,
) -> None:
    own = (broker.directory / "mosquitto.conf").read_text().splitlines()
    documented = rig.DOCUMENTED.read_text().splitlines()
    changed = [
        line.partition(" ")[0]
        for line, ours in zip(documented, own, strict=True)
        if line != ours
    ]
    assert sorted(changed) == [
        *("acl_file", "cafile", "certfile", "crlfile", "keyfile"),
        *("listener", "log_dest", "pid_file", "user"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("user a\nuser b", "user is set twice"), ("# user a", "not set: user")],
)
def test_a_setting_that_cannot_be_replaced_is_named(text: str, complaint: str) -> None:
    with pytest.raises(BrokerError, match=complaint):
        rig.configuration(text, {"user": "c"})


def test_a_frozen_broker_is_silent_with_open_sockets_and_goes_on_when_thawed(
    broker: Broker, data: Path
) -> None:
    broker.freeze()
    assert broker.is_running
    with socket.create_connection(("127.0.0.1", broker.port), 2) as raw:
        context = ssl.create_default_context(cafile=data / "authority" / "root.pem")
        raw.settimeout(0.3)
        with pytest.raises(TimeoutError):
            context.wrap_socket(raw, server_hostname="127.0.0.1")
    broker.thaw()
    assert handshake(broker, data, "aggregator") == "TLSv1.3"


@pytest.mark.parametrize("how", ["stop", "kill", "stop frozen"])
def test_a_broker_ends_and_comes_back_on_its_port(
    broker: Broker, data: Path, how: str
) -> None:
    pid, port = broker.pid, broker.port
    if how == "stop frozen":
        broker.freeze()
    (broker.kill if how == "kill" else broker.stop)()
    assert not broker.is_running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(BrokerError, match="does not run"):
        broker.reload()
    broker.start()
    assert broker.port == port
    assert handshake(broker, data, "aggregator") == "TLSv1.3"


def test_a_taken_port_is_named(broker: Broker, tmp_path: Path) -> None:
    other = Broker(tmp_path / "other", broker.files, port=broker.port)
    with pytest.raises(PortTakenError, match=f"port {broker.port} is in use"):
        other.start()
    assert not other.is_running


def test_a_port_that_is_taken_between_choice_and_use_is_chosen_anew(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([broker.port, free_port()])
    monkeypatch.setattr(rig, "free_port", lambda: next(ports))
    with Broker(tmp_path / "other", broker.files) as other:
        assert other.port != broker.port


def test_a_missing_mosquitto_is_named_with_how_to_get_it(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(BrokerError, match="apt-get install"):
        Broker(tmp_path / "other", broker.files).start()


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    files = BrokerFiles.in_data_directory(tmp_path)
    with pytest.raises(BrokerError, match=r"root\.pem is missing"):
        Broker(tmp_path / "broker", files).start()


def test_a_refused_configuration_is_reported_in_one_line(
    data: Path, tmp_path: Path
) -> None:
    assert main(["init", "--data", str(data), "--region", "north"]) == 0
    (data / "authority" / "server.pem").write_text("no certificate")
    broker = Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data))
    with pytest.raises(BrokerError) as caught:
        broker.start()
    assert "ended at once" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not broker.is_running
