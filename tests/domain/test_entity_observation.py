"""What the entities of a charger show becomes the events of a charging station."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.entity_observation import (
    EntityReading,
    EntityReadings,
    Observed,
    is_in_service,
    lost_reads,
    measurement_of,
    observe,
    power_of,
    tells_plug,
)
from custom_components.v2g_vpp.domain.entity_station import (
    EntitySpecification,
    PlugState,
    Quirks,
    Writes,
    WriteWay,
)
from custom_components.v2g_vpp.domain.events import (
    ConnectorReported,
    FaultReported,
    MeasurementReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.session import (
    EvseSession,
    advance_evse,
    least_discharge_w,
)
from custom_components.v2g_vpp.domain.state import ConnectorStatus

KEY = EvseKey(StationId("EC-1"), 1)
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
SPECIFICATION = EntitySpecification(
    writes=Writes(way=WriteWay.SIGNED_NUMBER),
    state_map={
        "ready": PlugState.FREE,
        "connected": PlugState.PLUGGED,
        "charging": PlugState.PLUGGED,
        "error": PlugState.FAULTED,
        "updating": PlugState.OUT_OF_SERVICE,
    },
    healthy_words=frozenset({"off", "ok"}),
)
FIRST, SECOND = TransactionId("first"), TransactionId("second")


def shows(text: str, unit: str | None = None, mono_s: float = 100.0) -> EntityReading:
    return EntityReading(text=text, unit=unit, received_mono_s=mono_s, taken_at=AT)


def see(
    before: Observed,
    readings: EntityReadings,
    transaction_id: TransactionId = FIRST,
    *,
    is_recalled: bool = False,
) -> tuple[Observed, tuple[StationEvent, ...]]:
    return observe(
        SPECIFICATION, KEY, before, readings, transaction_id, is_recalled=is_recalled
    )


def test_a_transaction_lasts_from_the_plug_to_its_end() -> None:
    free, events = see(Observed(), EntityReadings(state=shows("Ready")))
    assert events == (
        ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.AVAILABLE),
    )
    plugged, events = see(free, EntityReadings(state=shows("Connected")))
    assert events == (
        ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.OCCUPIED),
        TransactionReported(
            key=KEY, transaction_id=FIRST, phase=TransactionPhase.STARTED
        ),
    )
    charging, events = see(plugged, EntityReadings(state=shows("charging")), SECOND)
    assert events == ()
    gone, events = see(charging, EntityReadings(state=shows("ready")))
    assert events == (
        ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.AVAILABLE),
        TransactionReported(
            key=KEY,
            transaction_id=FIRST,
            phase=TransactionPhase.ENDED,
            is_plugged=False,
        ),
    )
    _, events = see(gone, EntityReadings(state=shows("connected")), SECOND)
    assert events[-1] == TransactionReported(
        key=KEY, transaction_id=SECOND, phase=TransactionPhase.STARTED
    )


def test_the_least_powers_are_known_with_the_vehicle() -> None:
    specification = replace(
        SPECIFICATION, quirks=Quirks(min_charge_w=4_140, min_discharge_w=4_200)
    )
    session, observed = EvseSession(key=KEY), Observed()
    for word, least_w in (("ready", 0.0), ("connected", 4_200.0), ("ready", 0.0)):
        observed, events = observe(
            specification, KEY, observed, EntityReadings(state=shows(word)), FIRST
        )
        for event in events:
            session = advance_evse(session, event)
        assert least_discharge_w(session) == least_w
        if least_w:
            assert session.needs is not None
            assert session.needs.min_charge_power_w == 4_140
            assert not session.needs.is_direction_told


def test_a_vehicle_that_was_there_before_is_recalled_and_confirms_nothing() -> None:
    _, events = see(
        Observed(), EntityReadings(state=shows("connected")), is_recalled=True
    )
    session = EvseSession(key=KEY)
    for event in events:
        session = advance_evse(session, event)
    assert session.is_plugged
    assert session.transaction_id == FIRST
    assert not session.is_plug_confirmed or session.evcc_id is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("error", ConnectorStatus.FAULTED),
        ("updating", ConnectorStatus.UNAVAILABLE),
        ("a word that nobody explained", ConnectorStatus.UNAVAILABLE),
    ],
)
def test_a_word_of_doubt_unplugs_no_vehicle(word: str, status: ConnectorStatus) -> None:
    plugged, _ = see(Observed(), EntityReadings(state=shows("connected")))
    doubtful, events = see(plugged, EntityReadings(state=shows(word)))
    assert events[0] == ConnectorReported(key=KEY, connector_id=1, status=status)
    faults = [event for event in events if isinstance(event, FaultReported)]
    assert bool(faults) is (status is ConnectorStatus.FAULTED)
    assert doubtful.transaction_id == FIRST
    in_service = is_in_service(SPECIFICATION, shows(word))
    assert in_service is (status is not ConnectorStatus.UNAVAILABLE)


def test_a_state_of_fault_is_one_until_it_says_otherwise() -> None:
    observed = Observed()
    told: list[bool | str] = []
    for word in ("connected", "error", "unavailable", "connected"):
        observed, events = see(observed, EntityReadings(state=shows(word)))
        told += [e.is_active for e in events if isinstance(e, FaultReported)]
        told.append(word)
    assert told == ["connected", True, "error", "unavailable", False, "connected"]


@pytest.mark.parametrize("word", ["unavailable", "unknown", ""])
def test_a_silent_state_changes_nothing_and_is_lost(word: str) -> None:
    plugged, _ = see(Observed(), EntityReadings(state=shows("connected")))
    readings = EntityReadings(state=shows(word), power=shows("10", "W"))
    after, events = see(plugged, readings)
    assert events[0].__class__ is MeasurementReported
    assert (after.transaction_id, after.is_plugged) == (FIRST, True)
    assert list(lost_reads(SPECIFICATION, readings)) == ["state"]


@pytest.mark.parametrize(
    ("text", "unit", "power_w"),
    [
        ("1500", "W", 1_500.0),
        ("-1.5", "kW", -1_500.0),
        ("0.011", "MW", 11_000.0),
        ("1500", None, None),
        ("1500", "A", None),
        ("nan", "W", None),
        ("inf", "kW", None),
        ("-inf", "W", None),
        ("1e9", "W", None),
        ("strong", "W", None),
        ("unavailable", "W", None),
    ],
)
def test_a_power_is_finite_watts_or_silence(
    text: str, unit: str | None, power_w: float | None
) -> None:
    reading = shows(text, unit)
    assert power_of(SPECIFICATION, reading) == power_w
    turned = replace(SPECIFICATION, is_power_inverted=True)
    expected = None if power_w is None else -power_w
    assert power_of(turned, reading) == expected
    lost = list(lost_reads(SPECIFICATION, EntityReadings(power=reading)))
    assert ("power" in lost) is (power_w is None)


@given(st.text(max_size=12), st.sampled_from([None, "W", "kW", "%", "Wh", "°C"]))
def test_nothing_that_an_entity_shows_breaks_anything(
    text: str, unit: str | None
) -> None:
    reading = shows(text, unit)
    readings = EntityReadings(
        power=reading,
        state=reading,
        soc=reading,
        energy_charged=reading,
        energy_discharged=reading,
        temperature=reading,
        fault=reading,
    )
    after, _ = see(Observed(), readings)
    power = after.measurement.power_w
    assert power is None or abs(power.value) <= 1_000_000


def test_everything_that_is_measured_is_told_in_the_units_of_the_product() -> None:
    after, events = see(
        Observed(),
        EntityReadings(
            power=shows("-2.5", "kW", 90.0),
            soc=shows("61.5", "%"),
            energy_charged=shows("12.5", "kWh"),
            energy_discharged=shows("0.002", "MWh"),
            temperature=shows("41", "°C"),
        ),
    )
    (event,) = events
    assert isinstance(event, MeasurementReported)
    measured = event.measurement
    assert measured == after.measurement
    assert measured.power_w is not None
    assert (measured.power_w.value, measured.power_w.received_mono_s) == (-2_500, 90.0)
    values = (
        measured.soc_percent,
        measured.energy_charged_wh,
        measured.energy_discharged_wh,
        measured.handle_temperature_c,
    )
    assert [value.value for value in values if value is not None] == [
        61.5,
        12_500.0,
        2_000.0,
        41.0,
    ]


@pytest.mark.parametrize(
    "readings",
    [
        EntityReadings(soc=shows("150", "%")),
        EntityReadings(soc=shows("50", "kWh")),
        EntityReadings(energy_charged=shows("-5", "kWh")),
        EntityReadings(temperature=shows("100", "K")),
        EntityReadings(temperature=shows("1000", "°F")),
    ],
)
def test_what_cannot_be_is_no_reading(readings: EntityReadings) -> None:
    assert see(Observed(), readings)[1] == ()


def test_a_state_of_charge_that_stands_for_nothing_is_none() -> None:
    careful = replace(SPECIFICATION, quirks=Quirks(lowest_soc_percent=2))
    for text, expected in (("0", None), ("1", None), ("2", 2.0)):
        readings = EntityReadings(soc=shows(text, "%"))
        soc = measurement_of(careful, readings).soc_percent
        assert (None if soc is None else soc.value) == expected


def test_fahrenheit_is_no_silence() -> None:
    after, _ = see(Observed(), EntityReadings(temperature=shows("104", "°F")))
    temperature = after.measurement.handle_temperature_c
    assert temperature is not None
    assert temperature.value == pytest.approx(40.0)


def test_a_vehicle_of_before_a_restart_is_ended_when_nothing_is_plugged() -> None:
    _, events = see(Observed(), EntityReadings(state=shows("ready")), is_recalled=True)
    session = EvseSession(
        key=KEY, is_plugged=True, transaction_id=TransactionId("of before")
    )
    for event in events:
        session = advance_evse(session, event)
    assert (session.transaction_id, session.is_plugged) == (None, False)


def test_a_vehicle_after_a_long_silence_may_be_another_one() -> None:
    before, _ = see(Observed(), EntityReadings(state=shows("connected")))
    session = EvseSession(key=KEY, is_plugged=True, transaction_id=FIRST, evcc_id="A")
    after, events = see(
        before, EntityReadings(state=shows("connected")), SECOND, is_recalled=True
    )
    for event in events:
        session = advance_evse(session, event)
    assert after.transaction_id == session.transaction_id == SECOND
    assert (session.is_plugged, session.evcc_id) == (True, None)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("ready", True), ("charging", True), ("error", False), ("unknown", False)],
)
def test_which_words_tell_the_plug(word: str, expected: bool) -> None:
    assert tells_plug(SPECIFICATION, shows(word)) is expected


def test_the_same_value_reported_again_is_a_new_reading() -> None:
    before, _ = see(Observed(), EntityReadings(power=shows("10", "W", 1.0)))
    _, again = see(before, EntityReadings(power=shows("10", "W", 1.0)))
    assert again == ()
    _, later = see(before, EntityReadings(power=shows("10", "W", 6.0)))
    assert len(later) == 1


def test_the_next_vehicle_does_not_get_the_charge_of_the_one_before() -> None:
    session, observed = EvseSession(key=KEY), Observed()
    soc = shows("80", "%", 50.0)
    for second, word in enumerate(("connected", "ready", "connected", "connected")):
        readings = EntityReadings(
            state=shows(word), soc=soc, power=shows("0", "W", 100.0 + second)
        )
        observed, events = see(observed, readings, TransactionId(str(second)))
        for event in events:
            session = advance_evse(session, event)
        has_soc = session.measurement.soc_percent is not None
        assert has_soc is (second == 0), word
    readings = EntityReadings(state=shows("connected"), soc=shows("30", "%", 200.0))
    _, events = see(observed, readings)
    for event in events:
        session = advance_evse(session, event)
    assert session.measurement.soc_percent is not None
    assert session.measurement.soc_percent.value == 30


def test_a_fault_begins_and_ends_with_its_words() -> None:
    healthy, events = see(Observed(), EntityReadings(fault=shows("OK")))
    assert events == ()
    faulty, events = see(healthy, EntityReadings(fault=shows("Fan")))
    assert events == (
        FaultReported(
            key=KEY, code=FaultCode.STATION_FAULTED, is_active=True, detail="Fan"
        ),
    )
    silent, events = see(faulty, EntityReadings(fault=shows("unavailable")))
    assert events == ()
    _, events = see(silent, EntityReadings(fault=shows("off")))
    assert events == (
        FaultReported(key=KEY, code=FaultCode.STATION_FAULTED, is_active=False),
    )
