"""The dead-man promise of the dialects."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    LONGEST_PROMISE_S,
    DialectTiming,
    DischargeDialect,
    Proof,
    StationCapability,
    is_persistent,
    own_timing,
    promised_end_s,
    proven_timing,
    timing_of,
)


@pytest.mark.parametrize(
    ("dialect", "promise_s"),
    [
        (DischargeDialect.V21_DYNAMIC, 35.0),
        (DischargeDialect.V21_SCHEDULE, 75.0),
        (DischargeDialect.V201_PLUS21, 75.0),
    ],
)
def test_the_typical_charger_ends_11_kw_within_the_promise(
    dialect: DischargeDialect, promise_s: float
) -> None:
    ends_s = promised_end_s(DIALECT_TIMING[dialect], 4.0, -11_000.0, 3_300.0)
    assert ends_s <= promise_s


@pytest.mark.parametrize("dialect", DischargeDialect)
def test_every_dialect_survives_one_lost_refresh(dialect: DischargeDialect) -> None:
    timing = DIALECT_TIMING[dialect]
    assert 2.0 * timing.refresh_s < timing.validity_s < LONGEST_PROMISE_S


@given(
    st.sampled_from(DischargeDialect),
    st.floats(0, 30),
    st.floats(-22_000, 22_000),
    st.floats(50, 20_000),
)
def test_a_promise_is_never_shorter_than_what_it_is_made_of(
    dialect: DischargeDialect, dead_s: float, power_w: float, ramp_w_per_s: float
) -> None:
    timing = DIALECT_TIMING[dialect]
    ends_s = promised_end_s(timing, dead_s, power_w, ramp_w_per_s)
    assert ends_s >= timing.validity_s + dead_s + abs(power_w) / ramp_w_per_s
    assert ends_s == promised_end_s(timing, dead_s, -power_w, ramp_w_per_s)


@pytest.mark.parametrize(
    ("dialect", "protocol", "interval_s"),
    [
        (DischargeDialect.V21_DYNAMIC, "ocpp2.1", 1.0),
        (DischargeDialect.V201_PLUS21, "ocpp2.0.1", 10.0),
        (DischargeDialect.NONE, "ocpp2.0.1", 10.0),
        (DischargeDialect.NONE, "ocpp1.6", 15.0),
        (DischargeDialect.V21_SCHEDULE, None, 10.0),
    ],
)
def test_the_bucket_of_writes_goes_by_dialect_and_version(
    dialect: DischargeDialect, protocol: str | None, interval_s: float
) -> None:
    capability = StationCapability(protocol="", evse_ids=(1,), dialect=dialect)
    timing = timing_of(capability, protocol)
    assert timing.write_interval_s == interval_s
    assert timing.burst_writes == 3
    assert timing.validity_s == DIALECT_TIMING[dialect].validity_s


def test_only_two_dialects_wear_no_memory() -> None:
    assert [d for d in DischargeDialect if not is_persistent(d)] == [
        DischargeDialect.V21_DYNAMIC,
        DischargeDialect.ENTITY,
    ]


ENTITY = StationCapability(
    protocol="entity", evse_ids=(1,), dialect=DischargeDialect.ENTITY
)
OWN = DialectTiming(
    validity_s=30.0, refresh_s=10.0, write_interval_s=2.0, burst_writes=1
)
FOUND = Proof(
    dialect=DischargeDialect.ENTITY,
    firmware="1",
    dead_man_s=19.0,
    passed_at="",
    proven_power_w=1_800.0,
    validity_s=15.0,
)


def test_a_station_that_is_not_known_has_the_time_of_no_dialect() -> None:
    assert timing_of(None) == DIALECT_TIMING[DischargeDialect.NONE]


def test_a_station_goes_by_its_own_time_where_it_has_one() -> None:
    known = replace(ENTITY, own_timing=OWN, own_watchdog_s=30.0)
    assert timing_of(known) == OWN
    assert timing_of(known, proof=FOUND) == OWN, "what was set up counts"


def test_what_the_self_test_found_counts_where_nobody_knew_the_watchdog() -> None:
    unknown = replace(ENTITY, own_timing=replace(OWN, validity_s=60.0, refresh_s=20.0))
    assert timing_of(unknown).validity_s == 60.0
    found = timing_of(unknown, proof=FOUND)
    assert (found.validity_s, found.refresh_s) == (15.0, 5.0)
    assert found.write_interval_s == 2.0
    assert proven_timing(FOUND).validity_s == 15.0


@given(st.floats(1, 600), st.floats(0.1, 300))
def test_an_own_time_survives_one_lost_refresh_or_is_refused(
    watchdog_s: float, write_interval_s: float
) -> None:
    try:
        timing = own_timing(watchdog_s, write_interval_s)
    except ValueError:
        assert 2.0 * write_interval_s >= watchdog_s
        return
    assert write_interval_s <= timing.refresh_s
    assert 2.0 * timing.refresh_s < timing.validity_s == watchdog_s
