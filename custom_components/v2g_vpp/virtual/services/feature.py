"""Logs, firmware and network profiles as parts of the station."""

import ssl

from ..evse import Evse
from ..features import Feature
from ..loops import Sleep
from ..registration import Registration
from ..variable_forms import FLAG, MEMBERS, Component
from ..wakeup import Signal
from .firmware import VERSION, Firmware
from .logs import Logs
from .network_profiles import NetworkProfiles
from .transfer import PROTOCOLS


def services(
    evse: Evse,
    registration: Registration,
    network: NetworkProfiles,
    changed: Signal,
    sleep: Sleep,
    tls: ssl.SSLContext | None,
) -> Feature:
    """Return the feature; its variables join the device model."""
    station = Component(VERSION.component)
    evse.model.add(
        [
            station.read(VERSION.variable, evse.config.firmware),
            station.read("AllowNewSessionsPendingFirmwareUpdate", "true", FLAG),
            Component("OCPPCommCtrlr").read(
                "FileTransferProtocols", PROTOCOLS, MEMBERS
            ),
        ]
    )
    logs = Logs(evse, changed, sleep, tls)
    firmware = Firmware(evse, registration, changed, sleep, tls)

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
