"""Answers about grid settings."""

from typing import Any, Final

from ..hardware import Hardware
from ..jobs import Jobs
from ..ocpp_package import Action, call_result, on
from ..peer import Peer
from ..schedule import WireObject
from ..variable_forms import FLAG, MEMBERS, Component
from .control import FORMS, Control, DerType, parse_control

CONTROLLER: Final = "ACDERCtrlr"
_SETTINGS: Final = {
    "curve": "",
    "enter_service": "enterService",
    "fixed_pf_absorb": "fixedPFAbsorb",
    "fixed_pf_inject": "fixedPFInject",
    "fixed_var": "",
    "freq_droop": "freqDroop",
    "gradient": "gradient",
    "limit_max_discharge": "limitMaxDischarge",
}
"""Every field with settings, as handlers get it, and its name on the wire."""


class DerHandlers:
    """Grid settings, set, reported and cleared."""

    def __init__(self, hardware: Hardware, jobs: Jobs) -> None:
        """Act on all EVSEs; their variables join the device model."""
        self._hardware = hardware
        self._jobs = jobs
        for evse in hardware:
            controller = Component(CONTROLLER, evse.evse_id)
            hardware.model.add(
                [
                    controller.read("Available", "true", FLAG),
                    controller.read("Enabled", "true", FLAG),
                    controller.read("ModesSupported", ",".join(DerType), MEMBERS),
                ]
            )

    @on(Action.set_der_control)
    def on_set_der_control(
        self, *, is_default: bool, control_id: str, control_type: str, **fields: Any
    ) -> Any:
        """Take a setting in."""
        if control_type not in set(DerType):
            return call_result.SetDERControl(status="NotSupported")
        own_type = DerType(control_type)
        settings = _settings_of(own_type, fields)
        if settings is None or (is_default and not _is_timeless(settings)):
            return call_result.SetDERControl(
                status="Rejected", status_info={"reasonCode": "InvalidValue"}
            )
        control = parse_control(control_id, own_type, settings, is_default=is_default)
        superseded = self._hardware.der.set(control)
        if superseded is None:
            return call_result.SetDERControl(
                status="Rejected", status_info={"reasonCode": "TooManyElements"}
            )
        self._hardware.advance()
        return call_result.SetDERControl(
            status="Accepted", superseded_ids=list(superseded) or None
        )

    @on(Action.get_der_control)
    def on_get_der_control(
        self,
        *,
        request_id: int,
        is_default: bool | None = None,
        control_type: str | None = None,
        control_id: str | None = None,
        **_: Any,
    ) -> Any:
        """Report the settings that are asked for."""
        if control_type is not None and control_type not in set(DerType):
            return call_result.GetDERControl(status="NotSupported")
        found = self._hardware.der.select(
            is_default=is_default, control_type=control_type, control_id=control_id
        )
        if not found:
            return call_result.GetDERControl(status="NotFound")

        async def report(peer: Peer) -> None:
            await peer.request("ReportDERControl", _report(request_id, found))

        is_done = self._jobs.post(report)
        return call_result.GetDERControl(status="Accepted" if is_done else "Rejected")

    @on(Action.clear_der_control)
    def on_clear_der_control(
        self,
        *,
        is_default: bool,
        control_type: str | None = None,
        control_id: str | None = None,
        **_: Any,
    ) -> Any:
        """Forget settings; without a type and an id all of a kind (R04.FR.44)."""
        if control_type is not None and control_type not in set(DerType):
            return call_result.ClearDERControl(status="NotSupported")
        doomed = self._hardware.der.select(
            is_default=is_default, control_type=control_type, control_id=control_id
        )
        is_all = control_type is None and control_id is None
        if not doomed and not is_all:
            return call_result.ClearDERControl(status="NotFound")
        self._hardware.der.clear(doomed)
        self._hardware.advance()
        return call_result.ClearDERControl(status="Accepted")


def _settings_of(control_type: DerType, fields: dict[str, Any]) -> WireObject | None:
    """Return the one object with settings, None unless it is that of the type."""
    given = [name for name in fields if name in _SETTINGS]
    if [_SETTINGS[name] for name in given] != [FORMS[control_type].field]:
        return None
    settings: WireObject = fields[given[0]]
    return settings


def _is_timeless(settings: WireObject) -> bool:
    return "startTime" not in settings and "duration" not in settings


def _report(request_id: int, found: tuple[Control, ...]) -> dict[str, Any]:
    wire: dict[str, Any] = {"requestId": request_id, "tbc": False}
    for control in found:
        wire.setdefault(FORMS[control.type].field, []).append(control.report())
    return wire
