"""Where the station dials: the network profiles that a CSMS wrote (OCPP 2.x B09, B10)."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from ..config import VirtualStationConfig
from ..device_model import DataType, DeviceModel, Mutability, Variable, VariableName
from ..ocpp_package import Action, call_result, on
from ..schedule import WireObject
from ..variable_forms import FLAG, INTEGER, OPTIONS, Component, Form

SLOTS: Final = ("1", "2", "3")
FIRST_SLOT: Final = SLOTS[0]
CONNECTION_ATTEMPTS: Final = 3
COMPONENT: Final = "NetworkConfiguration"
COMMUNICATION: Final = "OCPPCommCtrlr"
_FIELDS: Final = {
    "ocppCsmsUrl": "OcppCsmsUrl",
    "ocppInterface": "OcppInterface",
    "ocppTransport": "OcppTransport",
    "ocppVersion": "OcppVersion",
    "messageTimeout": "MessageTimeout",
    "securityProfile": "SecurityProfile",
    "identity": "Identity",
    "basicAuthPassword": "BasicAuthPassword",
}
"""Fields of ``connectionData`` and the variables that keep them."""


class NetworkProfiles:
    """The slots, and which of them is dialled."""

    def __init__(self, config: VirtualStationConfig, model: DeviceModel) -> None:
        """Start with the address that the station was installed with."""
        self._model = model
        self._order: tuple[str, ...] = (FIRST_SLOT,)
        self._failures = 0
        model.add(_variables(config))
        model.add(
            [Component(COMMUNICATION).read("ActiveNetworkProfile", lambda: self.slot)]
        )

    @property
    def slot(self) -> str:
        """The slot that is dialled now."""
        turn = self._failures // CONNECTION_ATTEMPTS
        return self._order[turn % len(self._order)]

    @property
    def url(self) -> str:
        """The address that is dialled now."""
        return self._text(self.slot, "OcppCsmsUrl")

    @property
    def password(self) -> str:
        """The password for it."""
        own = self._text(self.slot, "BasicAuthPassword")
        return own or self._model.text("SecurityCtrlr", "BasicAuthPassword")

    def connected(self) -> None:
        """Stay with a slot that works."""
        turn = self._failures // CONNECTION_ATTEMPTS
        self._failures = turn * CONNECTION_ATTEMPTS

    def failed(self) -> None:
        """Count a failure: after some the next slot has its turn (B10.FR.03)."""
        self._failures += 1

    def rebooted(self) -> None:
        """Begin with the first slot of the priority that is set now (B09.FR.10)."""
        wanted = self._model.text(COMMUNICATION, "NetworkConfigurationPriority")
        filled = tuple(
            slot
            for slot in wanted.split(",")
            if slot in SLOTS and self._text(slot, "OcppCsmsUrl")
        )
        self._order = filled or (FIRST_SLOT,)
        self._failures = 0

    @on(Action.set_network_profile)
    def on_set_network_profile(
        self, configuration_slot: int, connection_data: WireObject, **_: Any
    ) -> Any:
        """Keep a profile, or say why not."""
        slot = str(configuration_slot)
        reason = self._reason_against(slot, connection_data)
        if reason is not None:
            return call_result.SetNetworkProfile(
                status="Rejected", status_info={"reasonCode": reason}
            )
        for wire, variable in _FIELDS.items():
            text = str(connection_data.get(wire, ""))
            self._model.store(_name(slot, variable), text)
        return call_result.SetNetworkProfile(status="Accepted")

    def _reason_against(self, slot: str, data: WireObject) -> str | None:
        current = int(self._text(self.slot, "SecurityProfile"))
        if slot not in SLOTS:
            return "InvalidConfSlot"
        if data["securityProfile"] < current:
            return "NoSecurityDowngrade"
        is_sound = (
            data["ocppTransport"] == "JSON"
            and urlsplit(data["ocppCsmsUrl"]).scheme in {"ws", "wss"}
            and "apn" not in data
            and "vpn" not in data
        )
        return None if is_sound else "InvalidNetworkConf"

    def _text(self, slot: str, variable: str) -> str:
        return self._model.text(COMPONENT, variable, component_instance=slot)


def _name(slot: str, variable: str) -> VariableName:
    return VariableName(component=COMPONENT, component_instance=slot, variable=variable)


def _variables(config: VirtualStationConfig) -> Iterator[Variable]:
    link = Component(COMMUNICATION)
    slots = Form(data_type=DataType.MEMBER_LIST, values=SLOTS)
    yield link.write("NetworkConfigurationPriority", FIRST_SLOT, slots)
    yield link.read(
        "NetworkProfileConnectionAttempts", str(CONNECTION_ATTEMPTS), INTEGER
    )
    for slot in SLOTS:
        place = Component(COMPONENT, instance=slot)
        is_first = slot == FIRST_SLOT
        timeout_s = f"{max(config.call_timeout_s, 1):.0f}"
        yield place.read("OcppCsmsUrl", config.url if is_first else "")
        yield place.read("OcppInterface", "Wired0" if is_first else "", OPTIONS)
        yield place.read("OcppTransport", "JSON" if is_first else "", OPTIONS)
        yield place.read("OcppVersion", "", OPTIONS)
        yield place.read("MessageTimeout", timeout_s if is_first else "", INTEGER)
        profile = str(config.security_profile) if is_first else ""
        yield place.read("SecurityProfile", profile, INTEGER)
        yield place.read("Identity", config.identity if is_first else "")
        yield place.read("BasicAuthPassword", "", mutability=Mutability.WRITE_ONLY)
        yield place.read("VpnEnabled", "false", FLAG)
        yield place.read("ApnEnabled", "false", FLAG)
