"""Logs, firmware and network profiles as parts of the station."""

import ssl

from ..features import Feature
from ..hardware import Hardware
from ..loops import Sleep
from ..registration import Registration
from ..variable_forms import FLAG, MEMBERS, Component
from ..wakeup import Signal
from .firmware import VERSION, Firmware
from .logs import Logs
from .network_profiles import NetworkProfiles
from .transfer import PROTOCOLS


def services(
    hardware: Hardware,
    registration: Registration,
    network: NetworkProfiles,
    changed: Signal,
    sleep: Sleep,
    tls: ssl.SSLContext | None,
) -> Feature:
    """Return the feature; its variables join the device model."""
    station = Component(VERSION.component)
    hardware.model.add(
        [
            station.read(VERSION.variable, hardware.config.firmware),
            station.read("AllowNewSessionsPendingFirmwareUpdate", "true", FLAG),
            Component("OCPPCommCtrlr").read(
                "FileTransferProtocols", PROTOCOLS, MEMBERS
            ),
        ]
    )
    logs = Logs(hardware.first, changed, sleep, tls)
    firmware = Firmware(hardware, registration, changed, sleep, tls)

    def rebooted() -> None:
        firmware.rebooted()
        network.rebooted()

    return Feature(
        handlers=(logs, firmware, network),
        loops=(logs.run, firmware.run),
        rebooted=rebooted,
        triggers={
            "LogStatusNotification": logs.tell_status,
            "FirmwareStatusNotification": firmware.tell_status,
        },
    )
