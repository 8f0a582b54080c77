"""The device model of a 2.x station, reduced to what the product decides by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ..domain.capability import DischargeDialect, StationCapability
from ..domain.ids import is_evse_id
from ..domain.vendor_setpoint import VendorSetpoint, template_problem
from .inverter import Inverter, inverter_from_json, inverter_to_json, inverters_of
from .model_rows import Row, split_list, whole_number
from .monitors import Monitor, monitor_from_json, monitor_to_json, monitors_of

CENTRAL_SETPOINT: Final = "CentralSetpoint"

LAYOUT: Final = 2
"""Of a stored summary; one of another layout is read from the station again."""

FALLBACK_QUESTIONS: Final = (
    ("V2XChargingCtrlr", "Enabled", 1),
    ("V2XChargingCtrlr", "SupportedOperationModes", 1),
    ("V2XChargingCtrlr", "SupportedEnergyTransferModes", 1),
    ("SmartChargingCtrlr", "SupportsDynamicProfiles", None),
    ("SmartChargingCtrlr", "SupportsMaxOfflineDuration", None),
    ("SmartChargingCtrlr", "ProfileStackLevel", None),
    ("SmartChargingCtrlr", "RateUnit", None),
    ("SmartChargingCtrlr", "MaxExternalConstraintsId", None),
    ("EVSE", "SupplyPhases", 1),
)
"""(component, variable, EVSE): asked one by one where no report can be had."""

_PROTOCOLS: Final[Mapping[DischargeDialect, tuple[str, ...]]] = {
    DischargeDialect.V21_DYNAMIC: ("ocpp2.1",),
    DischargeDialect.V21_SCHEDULE: ("ocpp2.1",),
    DischargeDialect.V201_PLUS21: ("ocpp2.0.1",),
    DischargeDialect.NEG_LIMIT_W: ("ocpp2.0.1", "ocpp1.6"),
    DischargeDialect.NEG_LIMIT_A: ("ocpp2.0.1", "ocpp1.6"),
    DischargeDialect.DATA_TRANSFER: ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"),
    DischargeDialect.NONE: (),
}
"""On which links a dialect can be spoken."""

_NEEDED_UNIT: Final[Mapping[DischargeDialect, str]] = {
    DischargeDialect.NEG_LIMIT_W: "W",
    DischargeDialect.NEG_LIMIT_A: "A",
}

_METERING_VARIABLES: Final = frozenset({"txupdatedmeasurands", "txupdatedinterval"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteringVariable:
    """A variable that sets what is measured while a setpoint is followed."""

    variable: str
    instance: str
    evse_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What is kept of a device model, per firmware."""

    firmware: str = ""
    evse_ids: tuple[int, ...] = ()
    connectors: tuple[tuple[int, int], ...] = ()
    """(EVSE, connector) pairs."""

    is_v2x_enabled: bool = False
    operation_modes: tuple[str, ...] = ()
    energy_transfer_modes: tuple[str, ...] = ()
    supports_dynamic_profiles: bool = False
    supports_max_offline_duration: bool = False
    profile_stack_level: int | None = None
    additional_purposes: tuple[str, ...] = ()
    """Of charging profiles, beyond those of 2.0.1."""

    rate_units: tuple[str, ...] = ()
    """Empty: the station does not say; watts are tried."""

    supply_phases: int | None = None
    max_external_constraints_id: int | None = None
    max_charge_power_w: float | None = None
    max_discharge_power_w: float | None = None
    measurand_choices: tuple[str, ...] = ()
    """Empty: the station does not say which ones it has."""

    v2x_metering: tuple[MeteringVariable, ...] = ()
    items_per_set: int | None = None
    items_per_get: int | None = None
    items_per_monitoring: int | None = None
    monitors: tuple[Monitor, ...] = ()
    """What it can be asked to tell by itself."""

    grid_settings: tuple[str, ...] = ()
    """Kinds of grid settings that its inverter, or that of a vehicle, can have."""

    inverters: tuple[Inverter, ...] = ()
    """Those whose mode can be chosen."""

    csms_urls: tuple[str, ...] = ()
    """Of its network profiles, in the order of their slots."""

    monitoring_level: int | None = None
    """The severity down to which it tells; None: it does not say."""

    reports_export: bool = False


def summarise(rows: Iterable[Row], firmware: str) -> ModelSummary:
    """Return what a device model says; what it does not say stays at the safe side."""
    rows = tuple(rows)
    model = _Model(rows)
    v2x = [row for row in model.all_of("v2xchargingctrlr", "enabled") if row.value]
    modes = model.choices_of("v2xchargingctrlr", "supportedoperationmodes")
    rate_units = model.choices_of("smartchargingctrlr", "rateunit")
    return ModelSummary(
        firmware=firmware,
        evse_ids=model.evse_ids(),
        connectors=model.connectors(),
        is_v2x_enabled=bool(v2x) and all(_is_true(row.value) for row in v2x),
        operation_modes=modes,
        energy_transfer_modes=model.choices_of(
            "v2xchargingctrlr", "supportedenergytransfermodes"
        ),
        supports_dynamic_profiles=_is_true(
            model.value("smartchargingctrlr", "supportsdynamicprofiles")
        ),
        supports_max_offline_duration=_is_true(
            model.value("smartchargingctrlr", "supportsmaxofflineduration")
        ),
        profile_stack_level=whole_number(
            model.value("smartchargingctrlr", "profilestacklevel")
        ),
        additional_purposes=model.choices_of(
            "smartchargingctrlr", "supportedadditionalpurposes"
        ),
        rate_units=tuple(unit for unit in rate_units if unit in {"W", "A"}),
        supply_phases=whole_number(
            model.value("evse", "supplyphases")
            or model.value("chargingstation", "supplyphases")
        ),
        max_external_constraints_id=whole_number(
            model.value("smartchargingctrlr", "maxexternalconstraintsid")
        ),
        max_charge_power_w=model.limit("evse", "power"),
        max_discharge_power_w=model.limit("evse", "dischargepower"),
        measurand_choices=model.declared_choices(
            "sampleddatactrlr", "txupdatedmeasurands"
        ),
        v2x_metering=model.v2x_metering(),
        items_per_set=whole_number(
            model.value("devicedatactrlr", "itemspermessage", "SetVariables")
        ),
        items_per_get=whole_number(
            model.value("devicedatactrlr", "itemspermessage", "GetVariables")
        ),
        items_per_monitoring=whole_number(
            model.value("monitoringctrlr", "itemspermessage", "SetVariableMonitoring")
        ),
        monitors=monitors_of(rows),
        csms_urls=model.csms_urls(),
        inverters=inverters_of(rows),
        grid_settings=model.grid_settings(),
        monitoring_level=whole_number(
            model.value("monitoringctrlr", "activemonitoringlevel")
        ),
    )


def capability_of(
    summary: ModelSummary,
    protocol: str,
    chosen: DischargeDialect | None,
    vendor: VendorSetpoint | None = None,
) -> StationCapability:
    """Return what the product may ask of a station.

    Args:
        summary: of its device model.
        protocol: of the present link.
        chosen: the dialect that the owner chose by hand, None for the proven one.
        vendor: the message of the dialect that has one.
    """
    dialect = _dialect(summary, protocol, chosen)
    wording = ""
    if dialect is DischargeDialect.DATA_TRANSFER:
        # Without its message, or with one that cannot be filled in, it says nothing.
        if vendor is None or template_problem(vendor) is not None:
            dialect = DischargeDialect.NONE
        else:
            wording = vendor.fingerprint
    return StationCapability(
        protocol=protocol,
        evse_ids=summary.evse_ids or (1,),
        dialect=dialect,
        wording=wording,
        operation_modes=frozenset(summary.operation_modes),
        supports_dynamic_profiles=summary.supports_dynamic_profiles,
        supports_max_offline_duration=summary.supports_max_offline_duration,
        max_charge_power_w=summary.max_charge_power_w,
        max_discharge_power_w=summary.max_discharge_power_w,
        reports_export=summary.reports_export,
    )


def summary_to_json(summary: ModelSummary) -> dict[str, Any]:
    """Return what the store keeps."""
    data = {field.name: getattr(summary, field.name) for field in fields(summary)}
    data["v2x_metering"] = [
        [item.variable, item.instance, item.evse_id] for item in summary.v2x_metering
    ]
    data["inverters"] = [inverter_to_json(inverter) for inverter in summary.inverters]
    data["monitors"] = [monitor_to_json(monitor) for monitor in summary.monitors]
    data["layout"] = LAYOUT
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in data.items()
    }


def summary_from_json(data: Mapping[str, Any]) -> ModelSummary | None:
    """Return a summary as the store kept it, None for one of another layout."""
    if data.get("layout") != LAYOUT:
        return None
    known = {field.name for field in fields(ModelSummary)}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key in known
    }
    values["connectors"] = tuple(
        (int(evse), int(connector)) for evse, connector in data.get("connectors", ())
    )
    values["v2x_metering"] = tuple(
        MeteringVariable(variable=variable, instance=instance, evse_id=int(evse_id))
        for variable, instance, evse_id in data.get("v2x_metering", ())
    )
    values["inverters"] = tuple(map(inverter_from_json, data.get("inverters", ())))
    values["monitors"] = tuple(map(monitor_from_json, data.get("monitors", ())))
    return ModelSummary(**values)


def _dialect(
    summary: ModelSummary, protocol: str, chosen: DischargeDialect | None
) -> DischargeDialect:
    if chosen is not None:
        # A choice for another version, or in a unit that the station does not know,
        # would be a guess on this link.
        is_sayable = protocol in _PROTOCOLS[chosen] and (
            chosen not in _NEEDED_UNIT
            or not summary.rate_units
            or _NEEDED_UNIT[chosen] in summary.rate_units
        )
        return chosen if is_sayable else DischargeDialect.NONE
    can_discharge = (
        protocol == "ocpp2.1"
        and summary.is_v2x_enabled
        and CENTRAL_SETPOINT in summary.operation_modes
    )
    if not can_discharge:
        return DischargeDialect.NONE
    if summary.supports_dynamic_profiles:
        return DischargeDialect.V21_DYNAMIC
    return DischargeDialect.V21_SCHEDULE


class _Model:
    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = tuple(rows)

    def all_of(self, component: str, variable: str) -> tuple[Row, ...]:
        return tuple(
            row
            for row in self._rows
            if row.component == component and row.variable == variable
        )

    def value(self, component: str, variable: str, instance: str = "") -> str:
        wanted = instance.lower()
        return next(
            (
                row.value
                for row in self.all_of(component, variable)
                if row.value and row.instance.lower() == wanted
            ),
            "",
        )

    def choices_of(self, component: str, variable: str) -> tuple[str, ...]:
        """Return the members that every EVSE has, in the order of the first."""
        lists = [
            split_list(row.value) or row.choices
            for row in self.all_of(component, variable)
        ]
        lists = [members for members in lists if members]
        if not lists:
            return ()
        return tuple(m for m in lists[0] if all(m in members for members in lists))

    def declared_choices(self, component: str, variable: str) -> tuple[str, ...]:
        return next(
            (row.choices for row in self.all_of(component, variable) if row.choices),
            (),
        )

    def limit(self, component: str, variable: str) -> float | None:
        limits = [
            row.max_limit
            for row in self.all_of(component, variable)
            if row.max_limit is not None and row.max_limit > 0
        ]
        return min(limits, default=None)

    def evse_ids(self) -> tuple[int, ...]:
        return tuple(
            sorted({row.evse_id for row in self._rows if is_evse_id(row.evse_id)})
        )

    def connectors(self) -> tuple[tuple[int, int], ...]:
        pairs = {
            (row.evse_id, row.connector_id)
            for row in self._rows
            if is_evse_id(row.evse_id) and row.connector_id
        }
        return tuple(sorted(pairs))

    def grid_settings(self) -> tuple[str, ...]:
        found = (
            *self.choices_of("dcderctrlr", "modessupported"),
            *self.choices_of("acderctrlr", "modessupported"),
        )
        return tuple(dict.fromkeys(found))

    def csms_urls(self) -> tuple[str, ...]:
        rows = self.all_of("networkconfiguration", "ocppcsmsurl")
        return tuple(dict.fromkeys(row.value for row in rows if row.value))

    def v2x_metering(self) -> tuple[MeteringVariable, ...]:
        return tuple(
            MeteringVariable(
                variable=row.variable, instance=row.instance, evse_id=row.evse_id
            )
            for row in self._rows
            if row.component == "v2xchargingctrlr"
            and row.variable in _METERING_VARIABLES
            and row.instance in {"", CENTRAL_SETPOINT}
        )


def _is_true(text: str) -> bool:
    return text.strip().lower() in {"true", "1"}
