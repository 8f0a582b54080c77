"""Ports: free, taken, forbidden."""

from collections.abc import Iterator
import errno
import socket

import pytest

from custom_components.v2g_vpp.csms import probe
from custom_components.v2g_vpp.domain.errors import ListenerError


@pytest.fixture
def taken(socket_enabled: None) -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        yield holder.getsockname()[1]


def test_a_taken_port_is_named_and_free_again_when_it_is_released(
    socket_enabled: None,
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        port = holder.getsockname()[1]
        with pytest.raises(ListenerError) as caught:
            probe.check_port("127.0.0.1", port)
        assert (caught.value.port, caught.value.detail) == (port, probe.PORT_TAKEN)
        assert not probe.is_port_free("127.0.0.1", port)
    assert probe.is_port_free("127.0.0.1", port)


def test_a_free_port_is_proposed_when_the_usual_ones_are_taken(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PROPOSED_PORTS", (taken,))
    proposed = probe.propose_port("127.0.0.1")
    assert proposed != taken
    assert probe.is_port_free("127.0.0.1", proposed)
    monkeypatch.setattr(probe, "PROPOSED_PORTS", (taken, proposed))
    assert probe.propose_port("127.0.0.1") == proposed


@pytest.mark.parametrize(
    ("err", "detail"),
    [
        (OSError(errno.EADDRINUSE, ""), probe.PORT_TAKEN),
        (OSError(errno.EACCES, ""), probe.PORT_FORBIDDEN),
        (OSError(errno.EADDRNOTAVAIL, ""), probe.PORT_UNUSABLE),
        (OverflowError(), probe.PORT_UNUSABLE),
    ],
)
def test_each_cause_has_its_name(err: Exception, detail: str) -> None:
    assert probe.listener_error(80, err).detail == detail


def test_a_port_beyond_the_last_one_is_unusable(socket_enabled: None) -> None:
    with pytest.raises(ListenerError):
        probe.check_port("127.0.0.1", 70_000)
    with pytest.raises(ListenerError):
        probe.check_port("::1", 70_000)
