"""What the virtual station says of itself in its device model."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol as TypingProtocol

from .conditions import CONDITIONS, Condition, Conditions
from .config import CONNECTOR_ID, VirtualStationConfig
from .device_model import DataType, Mutability, Variable
from .metering import Readings
from .power_path import PowerPath
from .profile_rules import MAX_PERIODS, MAX_STACK_LEVEL, RATE_UNITS, SUPPORTED_MODES
from .schedule import Purpose
from .thermal import HANDLE
from .variable_forms import (
    FLAG,
    INTEGER,
    INTERVAL,
    MEASURANDS,
    MEMBERS,
    OPTIONS,
    SECONDS,
    Component,
    Form,
)

MAX_PROFILES = 20
MILLIHERTZ = Form(data_type=DataType.INTEGER, min_limit=0)
CELSIUS = Form(data_type=DataType.DECIMAL, unit="Celsius", min_limit=-40, max_limit=150)
VEHICLE_PROTOCOL = "urn:iso:std:iso:15118:-20:AC,1,0"
ITEMS_PER_MESSAGE = 20
BYTES_PER_MESSAGE = 60_000
DEFAULT_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import"
"""A charger as it leaves the factory does not report export: the CSMS must ask."""

MESSAGE_ATTEMPTS = 3
MESSAGE_ATTEMPT_INTERVAL_S = 10


class LiveValues(TypingProtocol):
    """What an EVSE knows only while it runs."""

    @property
    def evse_id(self) -> int:
        """Its number."""
        ...

    @property
    def config(self) -> VirtualStationConfig:
        """The config of the station as this EVSE has it."""
        ...

    @property
    def path(self) -> PowerPath:
        """Plant, battery and contactor."""
        ...

    @property
    def conditions(self) -> Conditions:
        """What is broken now."""
        ...

    def connector_status(self) -> str:
        """Return the status of the connector."""
        ...

    def is_emergency_stopped(self) -> bool:
        """Return True while the button is pressed."""
        ...

    def is_plugged(self) -> bool:
        """Return True while an EV is connected."""
        ...

    def clock_text(self) -> str:
        """Return the time of the station."""
        ...

    def readings(self) -> Readings:
        """Return what meter and EV show now."""
        ...

    def handle_c(self) -> float:
        """Return the temperature of the handle, °C."""
        ...


def build_device_model(
    config: VirtualStationConfig, evses: Sequence[LiveValues]
) -> Iterator[Variable]:
    """Yield the variables of a station and of its EVSEs."""
    yield from _identity(config, evses)
    for live in evses:
        yield from _evse(live)
        yield from _sensors(live)
        yield from _vehicle(live)
    yield from _smart_charging()
    yield from _metering(config)
    yield from _control()
    yield from _communication(config)


def _flag(is_on: object) -> str:
    return "true" if is_on else "false"


def _status(evses: Sequence[LiveValues]) -> str:
    """Return the status of the station: Available while any of its EVSEs is."""
    found = {live.connector_status() for live in evses}
    return "Available" if "Available" in found else min(found)


def _identity(
    config: VirtualStationConfig, evses: Sequence[LiveValues]
) -> Iterator[Variable]:
    station, clock = Component("ChargingStation"), Component("ClockCtrlr")
    yield station.read("Model", config.model)
    yield station.read("VendorName", config.vendor)
    yield station.read("SerialNumber", config.serial_number)
    yield station.read("SupplyPhases", str(config.phases), INTEGER)
    yield station.read("AvailabilityState", lambda: _status(evses), OPTIONS)
    yield clock.read(
        "DateTime", evses[0].clock_text, Form(data_type=DataType.DATE_TIME)
    )
    yield clock.write("TimeSource", "Heartbeat")


def _evse(live: LiveValues) -> Iterator[Variable]:
    config = live.config
    evse = Component("EVSE", live.evse_id)
    connector = Component("Connector", live.evse_id, CONNECTOR_ID)
    power = Form(
        data_type=DataType.DECIMAL, unit="W", max_limit=config.plant.max_charge_power_w
    )
    yield evse.read("AvailabilityState", live.connector_status, OPTIONS)
    yield evse.read("Power", lambda: f"{live.readings().power_w:.0f}", power)
    yield evse.read("SupplyPhases", str(config.phases), INTEGER)
    yield connector.read("AvailabilityState", live.connector_status, OPTIONS)
    yield connector.read("ConnectorType", "cType2")
    yield connector.read("SupplyPhases", str(config.phases), INTEGER)
    yield Component("EmergencyStopSensor", live.evse_id).read(
        "Active", lambda: _flag(live.is_emergency_stopped()), FLAG
    )


def _sensors(live: LiveValues) -> Iterator[Variable]:
    for condition, facts in CONDITIONS.items():
        if facts.component:
            component = Component(
                facts.component, live.evse_id, instance=facts.instance
            )
            yield component.read(
                facts.variable, partial(_is_there, live, condition), FLAG
            )
    handle = Component("TemperatureSensor", live.evse_id, instance=HANDLE)
    yield handle.read("Temperature", lambda: f"{live.handle_c():.1f}", CELSIUS)


def _is_there(live: LiveValues, condition: Condition) -> str:
    return _flag(condition in live.conditions.active)


def _smart_charging() -> Iterator[Variable]:
    control = Component("SmartChargingCtrlr")
    entries = Form(data_type=DataType.INTEGER, max_limit=MAX_PROFILES)
    decimal = Form(data_type=DataType.DECIMAL)
    yield control.write("Enabled", "true", FLAG)
    yield control.read("RateUnit", ",".join(RATE_UNITS), MEMBERS)
    yield control.read("ProfileStackLevel", str(MAX_STACK_LEVEL), INTEGER)
    yield control.read("PeriodsPerSchedule", str(MAX_PERIODS), INTEGER)
    yield control.read("Entries", "0", entries, "ChargingProfiles")
    yield control.read("LimitChangeSignificance", "1.0", decimal)
    yield control.read("SetpointPriority", "CSMS")
    yield control.read("MaxExternalConstraintsId", "0", INTEGER)
    yield control.read("SupportedAdditionalPurposes", Purpose.PRIORITY, MEMBERS)
    for purpose, is_kept in (
        ("TxProfile", False),
        ("TxDefaultProfile", True),
        ("ChargingStationMaxProfile", True),
        (Purpose.PRIORITY, True),
    ):
        yield control.read("ChargingProfilePersistence", _flag(is_kept), FLAG, purpose)
    for variable, is_on in (
        ("ExternalControlSignalsEnabled", False),
        ("SupportsDynamicProfiles", True),
        ("SupportsMaxOfflineDuration", True),
        ("SupportsEvseSleep", True),
        ("SupportsUseLocalTime", False),
        ("SupportsRandomizedDelay", False),
        ("SupportsLimitAtSoC", False),
        ("ACPhaseSwitchingSupported", False),
        ("Phases3to1", False),
    ):
        yield control.read(variable, _flag(is_on), FLAG)


def _vehicle(live: LiveValues) -> Iterator[Variable]:
    v2x = Component("V2XChargingCtrlr", live.evse_id)
    iso = Component("ISO15118Ctrlr", live.evse_id)
    vehicle = Component("ConnectedEV", live.evse_id)

    def while_plugged(text: str) -> Callable[[], str]:
        return lambda: text if live.is_plugged() else ""

    yield v2x.write("Enabled", "true", FLAG)
    yield v2x.read(
        "SupportedEnergyTransferModes", "AC_single_phase,AC_three_phase,AC_BPT", MEMBERS
    )
    yield v2x.read("SupportedOperationModes", ",".join(SUPPORTED_MODES), MEMBERS)
    yield v2x.write("LocalFrequencyUpdateThreshold", "10", MILLIHERTZ)
    yield iso.write("Enabled", "true", FLAG)
    yield iso.read("ServiceRenegotiationSupport", "true", FLAG)
    yield iso.read("MaxScheduleEntries", str(MAX_PERIODS), INTEGER)
    yield iso.write("PnCEnabled", "false", FLAG)
    yield vehicle.read("Available", lambda: _flag(live.is_plugged()), FLAG)
    yield vehicle.read("VehicleID", while_plugged(live.config.evcc_id or ""))
    yield vehicle.read("ProtocolAgreed", while_plugged(VEHICLE_PROTOCOL))
    yield vehicle.read(
        "StateOfCharge",
        lambda: f"{live.path.battery.soc_percent:.1f}" if live.is_plugged() else "",
        Form(data_type=DataType.DECIMAL, unit="Percent", max_limit=100),
    )


def _metering(config: VirtualStationConfig) -> Iterator[Variable]:
    sampled, aligned = Component("SampledDataCtrlr"), Component("AlignedDataCtrlr")
    yield sampled.write("Enabled", "true", FLAG)
    for variable in ("TxStartedMeasurands", "TxUpdatedMeasurands", "TxEndedMeasurands"):
        yield sampled.write(variable, DEFAULT_MEASURANDS, MEASURANDS)
    yield sampled.write("TxUpdatedInterval", f"{config.meter_interval_s:.0f}", INTERVAL)
    yield sampled.write("TxEndedInterval", "0", INTERVAL)
    yield aligned.write("Enabled", "false", FLAG)
    yield aligned.write("Measurands", DEFAULT_MEASURANDS, MEASURANDS)
    yield aligned.write("Interval", "0", INTERVAL)


def _control() -> Iterator[Variable]:
    transaction, authorization = Component("TxCtrlr"), Component("AuthCtrlr")
    reservation = Component("ReservationCtrlr")
    yield transaction.read("TxStartPoint", "Authorized")
    yield transaction.read("TxStopPoint", "Authorized,EVConnected")
    yield transaction.write("EVConnectionTimeOut", "60", SECONDS)
    yield transaction.read("StopTxOnInvalidId", "true", FLAG)
    yield transaction.read("StopTxOnEVSideDisconnect", "true", FLAG)
    yield authorization.write("Enabled", "true", FLAG)
    yield authorization.read("AuthorizeRemoteStart", "true", FLAG)
    yield authorization.read("LocalPreAuthorize", "false", FLAG)
    yield authorization.read("LocalAuthorizeOffline", "false", FLAG)
    yield authorization.read("OfflineTxForUnknownIdEnabled", "false", FLAG)
    yield reservation.write("Enabled", "true", FLAG)
    yield reservation.read("NonEvseSpecific", "true", FLAG)


def _communication(config: VirtualStationConfig) -> Iterator[Variable]:
    link, device = Component("OCPPCommCtrlr"), Component("DeviceDataCtrlr")
    security = Component("SecurityCtrlr")
    ping_s, timeout_s = max(config.ping_interval_s, 1), max(config.call_timeout_s, 1)
    attempts = Form(data_type=DataType.INTEGER, min_limit=1)
    event = "TransactionEvent"
    yield link.write("HeartbeatInterval", "300", SECONDS)
    yield link.read("WebSocketPingInterval", f"{ping_s:.0f}", SECONDS)
    yield link.read("MessageTimeout", f"{timeout_s:.0f}", SECONDS, "Default")
    yield link.write("MessageAttempts", str(MESSAGE_ATTEMPTS), attempts, event)
    yield link.write(
        "MessageAttemptInterval", str(MESSAGE_ATTEMPT_INTERVAL_S), SECONDS, event
    )
    yield link.write("OfflineThreshold", "30", SECONDS)
    for message in ("GetReport", "GetVariables", "SetVariables"):
        yield device.read("ItemsPerMessage", str(ITEMS_PER_MESSAGE), INTEGER, message)
        yield device.read("BytesPerMessage", str(BYTES_PER_MESSAGE), INTEGER, message)
    yield security.read("Identity", config.identity)
    yield security.read("SecurityProfile", str(config.security_profile), INTEGER)
    yield security.read(
        "BasicAuthPassword", config.password, mutability=Mutability.WRITE_ONLY
    )
