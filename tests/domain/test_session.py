"""What is known of a station and an EVSE, one event at a time."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    EvCapability,
    StationCapability,
)
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    ConnectorReported,
    EmergencyStopReported,
    FaultReported,
    MeasurementReported,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.faults import FAULT_BEHAVIOUR, FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from custom_components.v2g_vpp.domain.session import (
    EvseSession,
    acknowledged,
    advance_evse,
    with_fault,
)
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from custom_components.v2g_vpp.domain.station_session import (
    StationSession,
    advance_station,
)

STATION_ID = StationId("CS1")
KEY = EvseKey(STATION_ID, 1)
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
CAPABILITY = StationCapability(
    protocol="ocpp2.1", evse_ids=(1,), dialect=DischargeDialect.V21_DYNAMIC
)
READY = StationReady(
    station_id=STATION_ID, capability=CAPABILITY, has_floor_profile=True
)
NEEDS = EvCapability(is_bidirectional=True)
LATCHED = [code for code in FaultCode if FAULT_BEHAVIOUR[code].is_latched]
PASSING = [code for code in FaultCode if not FAULT_BEHAVIOUR[code].is_latched]


def _measurement(soc_percent: float = 70.0) -> Measurement:
    reading = Reading(value=soc_percent, received_mono_s=0.0, taken_at=AT)
    power = replace(reading, value=-5_000.0)
    return Measurement(soc_percent=reading, power_w=power)


def _transaction(
    phase: TransactionPhase = TransactionPhase.STARTED,
    transaction_id: str = "tx",
    *,
    is_offline_replay: bool = False,
    is_plugged: bool = True,
    charging_state: str | None = None,
    operation_mode: str | None = None,
) -> TransactionReported:
    return TransactionReported(
        key=KEY,
        transaction_id=TransactionId(transaction_id),
        phase=phase,
        is_offline_replay=is_offline_replay,
        is_plugged=is_plugged,
        charging_state=charging_state,
        operation_mode=operation_mode,
    )


def _evse(*events: StationEvent) -> EvseSession:
    session = EvseSession(key=KEY)
    for event in events:
        session = advance_evse(session, event)
    return session


OCCUPIED = ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.OCCUPIED)
AVAILABLE = replace(OCCUPIED, status=ConnectorStatus.AVAILABLE)
IDENTIFIED = VehicleIdentified(key=KEY, evcc_id="EVCC")
NEEDED = ChargingNeedsReported(key=KEY, needs=NEEDS)
MEASURED = MeasurementReported(key=KEY, measurement=_measurement())
AT_THE_PLUG = (OCCUPIED, IDENTIFIED, _transaction(), NEEDED, MEASURED)


def test_a_station_is_ready_only_on_its_present_link() -> None:
    session = StationSession(station_id=STATION_ID)
    connected = StationConnected(station_id=STATION_ID, protocol="ocpp2.1")
    session = advance_station(session, connected)
    assert (session.is_connected, session.is_ready) == (True, False)
    session = advance_station(session, READY)
    assert (session.is_ready, session.has_floor_profile) == (True, True)
    assert session.capability == CAPABILITY

    gone = StationDisconnected(station_id=STATION_ID, cause="ping")
    lost = advance_station(session, gone)
    assert not any((lost.is_connected, lost.is_ready, lost.has_floor_profile))
    assert lost.capability == CAPABILITY, "what it is does not change with the link"
    # A link that replaces another one without a word in between begins anew too.
    again = advance_station(session, connected)
    assert (again.is_ready, again.has_floor_profile) == (False, False)


def test_a_boot_says_what_the_station_is() -> None:
    booted = StationBooted(
        station_id=STATION_ID,
        vendor="Vendor",
        model="Model",
        serial_number="1",
        firmware="1.0",
    )
    session = advance_station(StationSession(station_id=STATION_ID), booted)
    said = (session.vendor, session.model, session.serial_number, session.firmware)
    assert said == ("Vendor", "Model", "1", "1.0")


def test_events_about_the_other_kind_change_nothing() -> None:
    station = StationSession(station_id=STATION_ID)
    assert advance_station(station, OCCUPIED) == station
    assert _evse(READY) == EvseSession(key=KEY)


def test_a_vehicle_is_known_while_it_is_plugged() -> None:
    session = _evse(*AT_THE_PLUG)
    assert session.is_plugged
    assert (session.transaction_id, session.evcc_id) == ("tx", "EVCC")
    assert session.needs == NEEDS
    assert session.measurement == _measurement()


@pytest.mark.parametrize(
    "unplug",
    [
        pytest.param(AVAILABLE, id="the connector is free"),
        pytest.param(
            _transaction(TransactionPhase.ENDED, is_plugged=False),
            id="the transaction ends with the plug",
        ),
        pytest.param(
            _transaction(TransactionPhase.UPDATED, is_plugged=False),
            id="the transaction outlives the plug",
        ),
    ],
)
def test_nothing_of_a_vehicle_passes_to_the_next(unplug: StationEvent) -> None:
    session = _evse(*AT_THE_PLUG, unplug)
    assert not session.is_plugged
    assert (session.evcc_id, session.needs) == (None, None)
    assert session.measurement.soc_percent is None
    assert session.measurement.power_w is not None, "the meter is the station's"
    assert _evse(*AT_THE_PLUG, unplug, OCCUPIED).evcc_id is None


def test_a_transaction_that_ends_at_the_plug_keeps_the_vehicle() -> None:
    session = _evse(*AT_THE_PLUG, _transaction(TransactionPhase.ENDED))
    assert session.transaction_id is None
    assert session.needs == NEEDS


def test_the_end_of_another_transaction_ends_nothing() -> None:
    session = _evse(*AT_THE_PLUG)
    other = _transaction(TransactionPhase.ENDED, "old", is_plugged=False)
    assert advance_evse(session, other) == session
    unknown = _evse(OCCUPIED, _transaction(TransactionPhase.ENDED, "old"))
    assert unknown.transaction_id is None


def test_a_replay_does_not_replace_what_runs() -> None:
    session = _evse(*AT_THE_PLUG)
    replay = _transaction(transaction_id="old", is_offline_replay=True)
    assert advance_evse(session, replay) == session
    assert _evse(OCCUPIED, replay).transaction_id == "old"


def test_an_update_keeps_what_it_does_not_say() -> None:
    begun = _transaction(charging_state="Charging", operation_mode="ChargingOnly")
    session = _evse(OCCUPIED, begun, _transaction(TransactionPhase.UPDATED))
    assert session.charging_state == "Charging"
    assert session.operation_mode == "ChargingOnly"


def test_a_status_says_nothing_about_the_plug_unless_it_does() -> None:
    reserved = replace(OCCUPIED, status=ConnectorStatus.RESERVED)
    assert _evse(OCCUPIED, reserved).is_plugged
    assert not _evse(reserved).is_plugged
    assert _evse(reserved).status is ConnectorStatus.RESERVED


@pytest.mark.parametrize("code", PASSING)
def test_a_passing_fault_ends_with_its_cause(code: FaultCode) -> None:
    began = FaultReported(key=KEY, code=code, is_active=True)
    assert _evse(began).faults == {code}
    assert _evse(began, replace(began, is_active=False)).faults == frozenset()


@pytest.mark.parametrize("code", LATCHED)
def test_a_latched_fault_stays_until_it_is_acknowledged(code: FaultCode) -> None:
    active = with_fault(EvseSession(key=KEY), code, is_active=True)
    assert acknowledged(active).faults == {code}, "its cause is still there"
    ended = with_fault(active, code, is_active=False)
    assert ended.faults == {code}
    assert not ended.active_faults
    assert acknowledged(ended).faults == frozenset()


def test_an_end_without_a_beginning_latches_nothing() -> None:
    ended = with_fault(EvseSession(key=KEY), FaultCode.GROUND_FAULT, is_active=False)
    assert ended.faults == frozenset()


def test_an_emergency_stop_stays_latched_until_its_cause_is_gone() -> None:
    pressed = EmergencyStopReported(key=KEY, is_active=True)
    session = _evse(pressed)
    assert acknowledged(session).is_emergency_stopped, "the button is still pressed"
    released = advance_evse(session, replace(pressed, is_active=False))
    assert released.is_emergency_stopped
    assert not acknowledged(released).is_emergency_stopped


EVENTS = st.one_of(
    st.sampled_from([OCCUPIED, AVAILABLE, IDENTIFIED, NEEDED, MEASURED]),
    st.builds(
        _transaction,
        st.sampled_from(TransactionPhase),
        st.sampled_from(["a", "b"]),
        is_offline_replay=st.booleans(),
        is_plugged=st.booleans(),
    ),
    st.builds(
        FaultReported,
        key=st.just(KEY),
        code=st.sampled_from(FaultCode),
        is_active=st.booleans(),
    ),
    st.builds(EmergencyStopReported, key=st.just(KEY), is_active=st.booleans()),
)


@given(st.lists(EVENTS, max_size=40))
def test_latches_hold_through_every_story(events: list[StationEvent]) -> None:
    session = EvseSession(key=KEY)
    for event in events:
        before, session = session, advance_evse(session, event)
        assert session.active_faults <= session.faults
        assert before.is_emergency_stopped <= session.is_emergency_stopped
        for code in before.faults - session.faults:
            assert not FAULT_BEHAVIOUR[code].is_latched


@given(st.lists(EVENTS, max_size=40))
def test_an_unplugged_evse_knows_no_vehicle_from_before(
    events: list[StationEvent],
) -> None:
    session = EvseSession(key=KEY)
    for event in events:
        before, session = session, advance_evse(session, event)
        if before.is_plugged and not session.is_plugged:
            assert session.evcc_id is None
            assert session.needs is None
            assert session.measurement.soc_percent is None
