"""Sampled values become signed, finite readings in base units."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.metering import Receipt, parse_meter_values
from custom_components.v2g_vpp.domain.measurement import PHASES, Measurement, Reading

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)
RECEIPT = Receipt(mono_s=1000.0, at=AT)
NOW = "2026-11-22T18:00:00Z"


def sample(measurand: str, value: object, **more: Any) -> dict[str, Any]:
    return {"measurand": measurand, "value": value, **more}


def parsed(*samples: object, at: str = NOW, receipt: Receipt = RECEIPT) -> Measurement:
    told = [{"timestamp": at, "sampledValue": list(samples)}]
    return parse_meter_values(told, receipt)


def value(reading: Reading | None) -> float | None:
    return None if reading is None else round(reading.value, 6)


P_IN, P_OUT = "Power.Active.Import", "Power.Active.Export"
I_IN, I_OUT = "Current.Import", "Current.Export"


@pytest.mark.parametrize(
    ("samples", "power_w"),
    [
        ([sample(P_IN, 7000)], 7000),
        ([sample(P_OUT, 5000)], -5000),
        ([sample(P_IN, 0), sample(P_OUT, 5000)], -5000),
        ([sample(P_IN, 7000), sample(P_OUT, 0)], 7000),
        # Export told as a negative number, and as a negative import, in both places.
        ([sample(P_OUT, -5000)], -5000),
        ([sample(P_IN, -5000)], -5000),
        ([sample(P_IN, -5000), sample(P_OUT, 5000)], -5000),
        ([sample(P_IN, 7, unitOfMeasure={"unit": "kW"})], 7000),
        ([sample(P_IN, 0.7, unitOfMeasure={"unit": "W", "multiplier": 4})], 7000),
        ([sample(P_IN, 7, unitOfMeasure={"unit": "kW", "multiplier": -3})], 7),
        ([sample(P_IN, 1000, phase=f"L{n}") for n in (1, 2, 3)], 3000),
        ([sample(P_IN, 1000, phase=f"L{n}-N") for n in (1, 2, 3)], 3000),
        # A total beside its phases is not added to them.
        ([sample(P_IN, 3000), sample(P_IN, 1000, phase="L1")], 3000),
        # The outlet is nearer to the vehicle than the inlet of the station.
        ([sample(P_IN, 50, location="Inlet"), sample(P_IN, 40)], 40),
        ([sample(P_IN, 40), sample(P_IN, 50, location="Inlet")], 40),
        ([sample(P_IN, 40, location="Upstream")], None),
        # Without a power measurand: current by voltage, phase by phase.
        (
            [
                sample(I_OUT, 10, phase="L1"),
                sample(I_OUT, 10, phase="L2"),
                sample("Voltage", 230, phase="L1-N"),
                sample("Voltage", 220, phase="L2-N"),
                sample("Voltage", 400, phase="L1-L2"),
            ],
            -4500,
        ),
        ([sample(I_IN, 10), sample("Voltage", 230)], 2300),
        ([sample(I_IN, -10), sample(I_OUT, 10), sample("Voltage", 230)], -2300),
        (
            [
                sample(I_IN, 10),
                sample(I_IN, 10, phase="L1"),
                sample("Voltage", 230),
            ],
            2300,
        ),
        ([sample(I_IN, 10)], None),
        ([sample("Voltage", 230)], None),
    ],
)
def test_power_is_signed_whatever_way_it_is_told(
    samples: list[dict[str, Any]], power_w: float | None
) -> None:
    assert value(parsed(*samples).power_w) == power_w


def test_each_measurand_has_its_reading() -> None:
    measurement = parsed(
        {"value": 1.5, "unitOfMeasure": {"unit": "kWh"}},
        sample("Energy.Active.Export.Register", 700),
        sample("SoC", 61, location="EV"),
        sample("Frequency", 49.98),
        sample("Voltage", 229, phase="L1"),
        sample("Voltage", 231, phase="L2"),
        sample(I_OUT, 3, phase="L1"),
        sample(I_OUT, 5, phase="L2"),
        sample("Something.Else", 3),
    )
    assert value(measurement.energy_charged_wh) == 1500
    assert value(measurement.energy_discharged_wh) == 700
    assert value(measurement.soc_percent) == 61
    assert value(measurement.frequency_hz) == 49.98
    assert value(measurement.voltage_v) == 230
    assert value(measurement.current_a) == -5
    assert value(measurement.voltage_l1_v) == 229
    assert value(measurement.voltage_l2_v) == 231
    assert measurement.voltage_l3_v is None
    assert value(measurement.current_l1_a) == -3
    assert value(measurement.current_l2_a) == -5
    assert measurement.current_l3_a is None


def test_a_total_is_no_phase() -> None:
    measurement = parsed(sample("Voltage", 230), sample(I_OUT, 5))
    assert value(measurement.voltage_v) == 230
    assert value(measurement.current_a) == -5
    for phase in PHASES:
        assert getattr(measurement, f"voltage_l{phase}_v") is None
        assert getattr(measurement, f"current_l{phase}_a") is None


def test_the_state_of_charge_may_be_the_one_on_the_display() -> None:
    assert value(parsed(sample("Display.PresentSOC", 40)).soc_percent) == 40
    both = parsed(sample("Display.PresentSOC", 40), sample("SoC", 41))
    assert value(both.soc_percent) == 41


@pytest.mark.parametrize(
    "broken",
    [
        sample(P_IN, "NaN"),
        sample(P_IN, ""),
        sample(P_IN, None),
        sample(P_IN, 1e9),
        sample("SoC", 101),
        sample("SoC", -1),
        sample(P_IN, 1, unitOfMeasure={"unit": "W", "multiplier": 40}),
        sample(P_IN, 1, unitOfMeasure={"unit": "W", "multiplier": "3"}),
        {"value": 5, "measurand": 7},
        sample(P_IN, 1, phase="N"),
        sample(P_IN, 1, location="Moon"),
        "no object",
        {},
    ],
)
def test_a_broken_sample_is_dropped_and_its_neighbours_stay(broken: object) -> None:
    measurement = parsed(broken, sample("Frequency", 50))
    assert value(measurement.frequency_hz) == 50
    assert measurement.power_w is None
    assert measurement.soc_percent is None


@pytest.mark.parametrize("nothing", [None, "text", [], ["text"], [{}], [{"a": 1}]])
def test_nothing_readable_is_no_reading(nothing: object) -> None:
    assert parse_meter_values(nothing, RECEIPT) == Measurement()


def test_a_numeric_text_is_read() -> None:
    assert value(parsed(sample(P_IN, "5021.4")).power_w) == 5021.4


def test_a_live_reading_is_as_old_as_its_receipt() -> None:
    reading = parsed(sample("SoC", 50), at="2026-11-22T17:59:52Z").soc_percent
    assert reading is not None
    assert reading.received_mono_s == 1000.0
    assert reading.taken_at == AT - timedelta(seconds=8)


def test_a_replayed_reading_is_as_old_as_it_says() -> None:
    receipt = Receipt(mono_s=1000.0, at=AT, is_offline_replay=True)
    told = parsed(sample("SoC", 50), at="2026-11-22T17:59:00Z", receipt=receipt)
    assert told.soc_percent is not None
    assert told.soc_percent.age_s(1000.0) == 60.0


def test_a_clock_that_runs_ahead_does_not_hide_later_readings() -> None:
    ahead = parsed(sample("SoC", 50), at="2026-11-22T19:00:00Z")
    later = Receipt(mono_s=1010.0, at=AT + timedelta(seconds=10))
    now = parsed(sample("SoC", 49), at="2026-11-22T18:00:10Z", receipt=later)
    assert value(ahead.updated_by(now).soc_percent) == 49


def test_an_unreadable_time_is_the_receipt() -> None:
    reading = parsed(sample("SoC", 50), at="yesterday").soc_percent
    assert reading is not None
    assert reading.taken_at == AT


def test_the_newest_of_several_samples_counts() -> None:
    told = [
        {"timestamp": NOW, "sampledValue": [sample("SoC", 50)]},
        {"timestamp": "2026-11-22T17:00:00Z", "sampledValue": [sample("SoC", 40)]},
    ]
    assert value(parse_meter_values(told, RECEIPT).soc_percent) == 50


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
names = st.sampled_from([P_IN, P_OUT, I_IN, I_OUT, "Voltage", "SoC", "Frequency", 7])
samples = st.fixed_dictionaries(
    {"value": json_values | st.floats()},
    optional={
        "measurand": names | json_values,
        "phase": st.sampled_from(["L1", "L2-N", "L1-L2"]) | json_values,
        "location": st.sampled_from(["Outlet", "Inlet", "EV"]) | json_values,
        "unitOfMeasure": json_values
        | st.fixed_dictionaries({"unit": json_values, "multiplier": json_values}),
    },
)


@given(samples=st.lists(samples | json_values, max_size=6), time=json_values)
def test_any_samples_give_finite_readings_or_none(samples: Any, time: Any) -> None:
    told = [{"timestamp": time, "sampledValue": samples}]
    measurement = parse_meter_values(told, RECEIPT)
    for name in Measurement.__dataclass_fields__:
        reading = getattr(measurement, name)
        assert reading is None or abs(reading.value) < 1e13
