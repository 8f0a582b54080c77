"""Names that the shell's modules share: domain, configuration keys, subentry types."""

from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "v2g_vpp"

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TIME,
)

# Forms of what is kept. Another field in it is another minor version: an older
# integration refuses what it would drop at its next save.
ENTRY_VERSION: Final = 1
ENTRY_MINOR_VERSION: Final = 2
STORAGE_VERSION: Final = 1
STORAGE_MINOR_VERSION: Final = 2

# Documents under .storage; one per programme, by its id.
STORE_SITE: Final = f"{DOMAIN}.policy"
STORE_STATIONS: Final = f"{DOMAIN}.stations"
STORE_PROGRAMME: Final = f"{DOMAIN}.programme"
STORE_LEDGER: Final = f"{DOMAIN}.ledger"
STORE_ENROLMENT: Final = f"{DOMAIN}.enrolment"
STORE_KEYS: Final = f"{DOMAIN}.keys"

# The config entry: the home and its OCPP listener.
CONF_OCPP_HOST: Final = "ocpp_host"
CONF_OCPP_PORT: Final = "ocpp_port"
CONF_EXPORT_LIMIT_W: Final = "export_limit_w"
CONF_GRID_PROFILE: Final = "grid_profile"
CONF_GRID_CUSTOM: Final = "grid_custom"
CONF_GRID_SUPPORT: Final = "grid_support"
GRID_CUSTOM: Final = "custom"
DEFAULT_OCPP_HOST: Final = "0.0.0.0"  # noqa: S104 - chargers are other hosts
DEFAULT_OCPP_PORT: Final = 8080
CONF_OCPP_NETWORKS: Final = "ocpp_networks"
CONF_OCPP_TLS_PORT: Final = "ocpp_tls_port"
CONF_OCPP_TLS_HOST: Final = "ocpp_tls_host"
CONF_OCPP_TLS_1_3_ONLY: Final = "ocpp_tls_1_3_only"
CONF_OCPP_TLS_CERTIFICATE: Final = "ocpp_tls_certificate"
CONF_OCPP_TLS_KEY: Final = "ocpp_tls_key"
CONF_ROOT_PEM: Final = "root_pem"
CONF_SKIP_WAIT: Final = "skip_wait"
PKI_FOLDER: Final = f"{DOMAIN}.pki"
"""Under .storage: the authority of this home and the certificates of its listener."""

# The options of the config entry: the meters of the home and its wiring.
CONF_GRID: Final = "grid_entity"
CONF_GRID_L1: Final = "grid_l1_entity"
CONF_GRID_L2: Final = "grid_l2_entity"
CONF_GRID_L3: Final = "grid_l3_entity"
CONF_GRID_INVERTED: Final = "grid_inverted"
CONF_SOLAR: Final = "solar_entity"
CONF_SOLAR_INVERTED: Final = "solar_inverted"
CONF_BATTERY: Final = "battery_entity"
CONF_BATTERY_INVERTED: Final = "battery_inverted"
CONF_BATTERY_SOC: Final = "battery_soc_entity"
CONF_PHASE_COUNT: Final = "phase_count"
CONF_FUSE_A: Final = "fuse_a"
CONF_IMPORT_LIMIT_W: Final = "import_limit_w"
CONF_PEAK_IMPORT_W: Final = "peak_import_w"
CONF_TOP_UP_FROM_W: Final = "top_up_from_w"
CONF_SOLAR_HOLD_ON_S: Final = "solar_hold_on_s"
CONF_SOLAR_HOLD_OFF_S: Final = "solar_hold_off_s"
CONF_IMBALANCE_LIMIT_W: Final = "imbalance_limit_w"
CONF_REGULATOR: Final = "regulator"
CONF_CHARGE_FROM_BATTERY: Final = "charge_from_battery"
CONF_CHARGE_BATTERY: Final = "charge_battery"

# Subentry types and the prefixes of their unique ids, which share one name space.
SUBENTRY_STATION: Final = "charging_station"
SUBENTRY_VEHICLE: Final = "vehicle"
SUBENTRY_PROGRAMME: Final = "vpp_programme"
SUBENTRY_ENTITY_STATION: Final = "entity_station"
STATION_SUBENTRIES: Final = (SUBENTRY_STATION, SUBENTRY_ENTITY_STATION)
"""Both are charging stations to everything behind them."""

UNIQUE_ID_PREFIX_STATION: Final = "station_"
UNIQUE_ID_PREFIX_VEHICLE: Final = "vehicle_"
UNIQUE_ID_PREFIX_PROGRAMME: Final = "programme_"

# Subentry charging_station.
CONF_IDENTITY: Final = "identity"
CONF_PASSWORD: Final = "password"  # noqa: S105 - a key, not a secret
CONF_MAX_CHARGE_POWER_W: Final = "max_charge_power_w"
CONF_MAX_DISCHARGE_POWER_W: Final = "max_discharge_power_w"
CONF_UNATTENDED_CHARGE_W: Final = "unattended_charge_w"
CONF_DIALECT: Final = "dialect"
DIALECT_AUTOMATIC: Final = "automatic"
CONF_PHASES: Final = "phases"
CONF_PHASE_MAP: Final = "phase_map"
PHASE_MAP_UNKNOWN: Final = "unknown"
CONF_CIRCUIT: Final = "circuit"
CONF_CIRCUIT_LIMIT_A: Final = "circuit_limit_a"
CONF_VENDOR_DATA: Final = "vendor_data"
CONF_VENDOR_ID: Final = "vendor_id"
CONF_VENDOR_MESSAGE: Final = "vendor_message"
CONF_PREVIOUS_URL: Final = "previous_url"
PHASES_REPORTED: Final = "reported"
PHASES_ONE: Final = "1"
PHASES_THREE: Final = "3"
CONF_RCD_TESTED_ON: Final = "rcd_tested_on"
CONF_EARTH_TESTED_ON: Final = "earth_tested_on"
CONF_CHECKED_ON: Final = "checked_on"
CONF_NO_PASSWORD: Final = "no_password"  # noqa: S105 - a key, not a secret
CONF_ACCEPT_EXPIRED: Final = "accept_expired_certificate"
CONF_VIRTUAL: Final = "virtual"
VIRTUAL_NO: Final = "no"
VIRTUAL_IDENTITY: Final = "VIRT1"
VIRTUAL_EVCC_ID: Final = "DEVIRTUALEV00001"
"""What the virtual car says of itself, so that it is known when it plugs in."""

VIRTUAL_INSIDE: Final = "inside"
VIRTUAL_OWN_PROCESS: Final = "own_process"

# Subentry entity_station; its shape is written down in entity_station_data.
CONF_PROFILE: Final = "profile"
CONF_PROFILE_VERSION: Final = "profile_version"
CONF_VENDOR: Final = "vendor"
CONF_MODEL: Final = "model"
CONF_POWER_ENTITY: Final = "power_entity"
CONF_POWER_INVERTED: Final = "power_inverted"
CONF_STATE_ENTITY: Final = "state_entity"
CONF_SOC_ENTITY: Final = "soc_entity"
CONF_ENERGY_CHARGED_ENTITY: Final = "energy_charged_entity"
CONF_ENERGY_DISCHARGED_ENTITY: Final = "energy_discharged_entity"
CONF_HANDLE_TEMPERATURE_ENTITY: Final = "handle_temperature_entity"
CONF_FAULT_ENTITY: Final = "fault_entity"
CONF_PLUGGED_STATES: Final = "plugged_states"
CONF_FREE_STATES: Final = "free_states"
CONF_FAULT_STATES: Final = "fault_states"
CONF_OUT_OF_SERVICE_STATES: Final = "out_of_service_states"
CONF_HEALTHY_STATES: Final = "healthy_states"
CONF_WRITE_WAY: Final = "write_way"
CONF_WRITE_UNIT: Final = "write_unit"
CONF_WRITE_INVERTED: Final = "write_inverted"
CONF_SETPOINT_ENTITY: Final = "setpoint_entity"
CONF_CHARGE_ENTITY: Final = "charge_entity"
CONF_DISCHARGE_ENTITY: Final = "discharge_entity"
CONF_CHARGE_OPTION: Final = "charge_option"
CONF_DISCHARGE_OPTION: Final = "discharge_option"
CONF_REST_OPTION: Final = "rest_option"
CONF_SCRIPT_ENTITY: Final = "script_entity"
CONF_STOP_WAY: Final = "stop_way"
CONF_STOP_ENTITY: Final = "stop_entity"
CONF_START_BUTTON: Final = "start_button_entity"
CONF_FLOW: Final = "flow"
CONF_MIN_CHARGE_W: Final = "min_charge_w"
CONF_MIN_DISCHARGE_W: Final = "min_discharge_w"
CONF_ZERO_FORBIDDEN: Final = "zero_forbidden"
CONF_MIN_WRITE_INTERVAL_S: Final = "min_write_interval_s"
CONF_SETTLE_S: Final = "settle_s"
CONF_READ_PERIOD_S: Final = "read_period_s"
CONF_REVERSAL_REST_S: Final = "reversal_rest_s"
CONF_WATCHDOG_S: Final = "watchdog_s"
CONF_REVERTS: Final = "reverts"
CONF_LOWEST_SOC: Final = "lowest_soc_percent"

# Subentry vehicle.
CONF_VEHICLE_ID: Final = "vehicle_id"
CONF_NAME: Final = "name"
CONF_CAPACITY_KWH: Final = "capacity_kwh"
CONF_EVCC_ID: Final = "evcc_id"
CONF_CHEMISTRY: Final = "chemistry"
CONF_TEMPERATURE: Final = "temperature_entity"
CONF_BATTERY_PRICE: Final = "battery_price_per_kwh"
CONF_RESERVE_PERCENT: Final = "reserve_percent"
CONF_VPP_RESERVE_PERCENT: Final = "vpp_reserve_percent"
CONF_MAY_DISCHARGE: Final = "may_discharge"

# Subentry vpp_programme.
CONF_PROGRAMME_ID: Final = "programme_id"
CONF_REGION: Final = "region"
CONF_HOME_ID: Final = "home_id"
CONF_BROKER_HOST: Final = "broker_host"
CONF_BROKER_PORT: Final = "broker_port"
CONF_BROKER_ROOT_PEM: Final = "broker_root_pem"
CONF_CLIENT_CERTIFICATE_PEM: Final = "client_certificate_pem"
CONF_CLIENT_KEY_PEM: Final = "client_key_pem"
CONF_AGGREGATOR_KEYS: Final = "aggregator_keys"
CONF_INVITATION: Final = "invitation"
CONF_CSR: Final = "csr"
CONF_CERTIFICATE: Final = "certificate"
CONF_SIGNING_SEED: Final = "signing_seed"
"""The home's own Ed25519 private key, base64url without padding."""

CONF_CERTIFICATE_EXPIRES_AT: Final = "certificate_expires_at"

# Subentry vpp_programme without an operator's broker: entities tell its events.
CONF_SOURCE: Final = "source"
"""Absent where a broker is the source."""

SOURCE_ENTITIES: Final = "entities"
SOURCE_CALENDAR: Final = "calendar"
CONF_DIRECTION_ENTITY: Final = "direction_entity"
CONF_START_ENTITY: Final = "start_entity"
CONF_END_ENTITY: Final = "end_entity"
CONF_CALENDAR_ENTITY: Final = "calendar_entity"
CONF_CHARGE_STATES: Final = "charge_states"
CONF_DISCHARGE_STATES: Final = "discharge_states"
CONF_EVENT_POWER_W: Final = "event_power_w"
"""What a running calendar event asks for; positive = charging."""

CONF_CHARGE_POWER_W: Final = "charge_power_w"
CONF_DISCHARGE_POWER_W: Final = "discharge_power_w"
CONF_STALE_AFTER_MIN: Final = "stale_after_min"
CONF_DAY_BUDGET_KWH: Final = "day_budget_kwh"
CONF_KEEP_LEDGER: Final = "keep_ledger"

# Attributes and fields of actions.
ATTR_REQUESTED: Final = "requested"
ATTR_NEXT_LIMIT: Final = "next_limit"
ATTR_POWER: Final = "power"
ATTR_DURATION: Final = "duration"
ATTR_UNTIL: Final = "until"
ATTR_HOLDER: Final = "holder"

MAX_SITE_LIMIT_W: Final = 1_000_000
"""No home has a connection of a megawatt."""

VEHICLE_AUTOMATIC: Final = "automatic"
"""Option of the vehicle select: the vehicle's own id decides."""
