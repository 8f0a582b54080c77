"""Configuration keys of 1.6 over the device model that the station really has."""

from collections.abc import Mapping
from typing import Any, Final

from ..device_model import DeviceModel, Mutability, VariableName
from ..profile_rules import MAX_STACK_LEVEL

MEASURANDS: Final = frozenset(
    {
        "Power.Active.Import",
        "Power.Active.Export",
        "Energy.Active.Import.Register",
        "Energy.Active.Export.Register",
        "Current.Import",
        "Current.Export",
        "Voltage",
        "Frequency",
        "SoC",
    }
)
"""What 1.6 has a name for and this station a reading."""

_CONSTANT: Final[Mapping[str, str]] = {
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargeProfileMaxStackLevel": str(MAX_STACK_LEVEL),
    "ChargingScheduleMaxPeriods": "24",
    "MaxChargingProfilesInstalled": "20",
    "MeterValuesSampledDataMaxLength": str(len(MEASURANDS)),
    "GetConfigurationMaxKeys": "20",
    "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger,Reservation",
    "AuthorizeRemoteTxRequests": "true",
    "StopTransactionOnEVSideDisconnect": "true",
    "UnlockConnectorOnEVSideDisconnect": "true",
}

_REGISTER: Final = "Energy.Active.Import.Register"
_MEASURANDS_KEY: Final = "MeterValuesSampledData"
_PASSWORD_KEY: Final = "AuthorizationKey"  # noqa: S105 - the name of a key
_VARIABLES: Final[Mapping[str, VariableName]] = {
    _MEASURANDS_KEY: VariableName(
        component="SampledDataCtrlr", variable="TxUpdatedMeasurands"
    ),
    "MeterValueSampleInterval": VariableName(
        component="SampledDataCtrlr", variable="TxUpdatedInterval"
    ),
    "HeartbeatInterval": VariableName(
        component="OCPPCommCtrlr", variable="HeartbeatInterval"
    ),
    "ConnectionTimeOut": VariableName(
        component="TxCtrlr", variable="EVConnectionTimeOut"
    ),
    "TransactionMessageAttempts": VariableName(
        component="OCPPCommCtrlr",
        variable="MessageAttempts",
        instance="TransactionEvent",
    ),
    "TransactionMessageRetryInterval": VariableName(
        component="OCPPCommCtrlr",
        variable="MessageAttemptInterval",
        instance="TransactionEvent",
    ),
    _PASSWORD_KEY: VariableName(
        component="SecurityCtrlr", variable="BasicAuthPassword"
    ),
}

_CONNECTORS_KEY: Final = "NumberOfConnectors"
KEYS: Final = (_CONNECTORS_KEY, *_CONSTANT, *_VARIABLES)


def read(
    model: DeviceModel, names: list[str] | None, *, connectors: int
) -> dict[str, Any]:
    """Return the answer to GetConfiguration; no names ask for all keys."""
    constant = {_CONNECTORS_KEY: str(connectors), **_CONSTANT}
    told, unknown = [], []
    for name in names or KEYS:
        if name in constant:
            told.append({"key": name, "readonly": True, "value": constant[name]})
        elif name in _VARIABLES:
            entry: dict[str, Any] = {"key": name, "readonly": False}
            if name != _PASSWORD_KEY:
                entry["value"] = _value(model, _VARIABLES[name])
            told.append(entry)
        else:
            unknown.append(name)
    return {"configuration_key": told, "unknown_key": unknown}


def change(model: DeviceModel, name: str, value: str) -> str:
    """Set a key and return the status of ChangeConfiguration."""
    if name in {_CONNECTORS_KEY, *_CONSTANT}:
        return "Rejected"
    if name not in _VARIABLES:
        return "NotSupported"
    variable = model.find(_VARIABLES[name])
    is_known = name != _MEASURANDS_KEY or set(_words(value)) <= MEASURANDS
    if variable is None or not is_known:
        return "Rejected"
    if name == _PASSWORD_KEY:
        value = _password(value)
    elif variable.mutability is Mutability.READ_ONLY or not variable.accepts(value):
        return "Rejected"
    model.store(_VARIABLES[name], value)
    return "Accepted"


def prepare(model: DeviceModel) -> None:
    """Sample what 1.6 can say, and the register at both ends of a transaction."""
    for variable in ("TxStartedMeasurands", "TxEndedMeasurands"):
        model.store(_sampled(variable), _REGISTER)
    if not set(_words(_value(model, _VARIABLES[_MEASURANDS_KEY]))) <= MEASURANDS:
        model.store(_VARIABLES[_MEASURANDS_KEY], _REGISTER)


def _sampled(variable: str) -> VariableName:
    return VariableName(component="SampledDataCtrlr", variable=variable)


def _password(value: str) -> str:
    """Return the password that a key stands for: its bytes are written in hex."""
    try:
        return bytes.fromhex(value).decode("ascii")
    except ValueError:
        # Bytes that are no text are shown to the CSMS as they were written.
        return value


def _value(model: DeviceModel, name: VariableName) -> str:
    variable = model.find(name)
    return "" if variable is None else variable.text()


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
