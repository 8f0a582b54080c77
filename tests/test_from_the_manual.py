"""Who comes from the classical gateway manual finds each of its parts here."""

from typing import Final

import pytest

from tests.repository import ROOT
from tests.repository.docs import rows

PARTS: Final = (
    # Files and settings.
    "gateway.yaml",
    "Measurand",
    "Current.Export",
    "v2g-offset.conf",
    "mosquitto.conf",
    "max_connections -1",
    "max_inflight_messages 0",
    "sysctl.conf",
    "rmem_max",
    "wmem_max",
    "BBR",
    "v2g-link.log",
    "Firewall",
    # Commands.
    "openssl req -new -x509 -nodes -days 365",
    "systemctl start v2g-power-daemon",
    "grid-forming",
    "journalctl -u ocpp-service",
    "tcpdump -i eth0 port 8080 -w capture.pcap",
    "stackLevel",
    "chargingProfilePurpose",
    "ocpp-cancel-reservation",
    "ClearChargingProfile",
    "i2c-tools",
    "dialout",
    "multimeter",
    # Figures and standards.
    "8080 and 443",
    "OCPP 2.0.1",
    "ISO 15118-20",
    "TLS 1.3",
    "250 ms",
    "fibre",
    "PREEMPT_RT",
    "4 processors",
    "phase-locked loop",
    "47 to 63 Hz",
    "IEEE 1547.1",
    "7 to 22 kW",
    "30 mA",
    "UL 2231-1",
    "IEC 61851",
    "J1772",
    "10 %",
    "30 s",
    # Behaviour.
    "Leader and follower",
    "PID",
    "Idempotent",
    "telemetry",
    "Available, Charging, Discharging, Reserved",
    "weld",
    "power line communication",
    "Protocol Unsupported",
    "EV_COMM_TIMEOUT",
    "GRID_FREQ_OUT_OF_RANGE",
    "OCPP_MSG_TIMEOUT",
    "E-61",
    "E-84",
    "cable",
    "RSSI",
    "heartbeat",
    "NTP",
    "expired or missing certificate",
    "Energy export",
    "after 2023",
    "wear",
    "Kubernetes",
    "regional collectors",
    "emergency button",
    "Ramp limit",
    "SSH and Telnet",
)
"""Every file, command, setting and claim, in a word of its own."""


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_manual_has_its_row(part: str) -> None:
    page = (ROOT / "docs" / "from_the_manual.md").read_text(encoding="utf-8")
    heads = [row[0].replace("*", "").replace("`", "").lower() for row in rows(page)]
    assert any(part.lower() in head for head in heads)


def test_each_row_says_what_is_here() -> None:
    page = (ROOT / "docs" / "from_the_manual.md").read_text(encoding="utf-8")
    told = list(rows(page))
    assert told
    assert all(len(row) >= 2 and row[1] for row in told)
