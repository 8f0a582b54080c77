"""The record of an event: nothing is made up, nothing is lost, it fits its message."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.event_record import (
    INTERRUPTED,
    MAX_BODY_BYTES,
    MAX_COMMANDS,
    Baseline,
    EventRecord,
    Registers,
)
from custom_components.v2g_vpp.control.sample_series import (
    GAP,
    INTERVALS_S,
    MAX_SAMPLES,
    Sample,
    SampleQuality,
    SampleSeries,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ledger import canonical

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def good(power_w: float, requested_w: float | None = -5000.0) -> Sample:
    return Sample(
        power_w=power_w,
        raw_w=power_w,
        requested_w=requested_w,
        setpoint_w=requested_w,
        quality=SampleQuality.GOOD,
    )


def order(
    order_id: str = "order-1",
    power_w: float = -5000.0,
    duration_s: float = 600.0,
    kind: CommandKind = CommandKind.SETPOINT,
) -> DispatchOrder:
    return DispatchOrder(
        order_id=order_id,
        programme_id=ProgrammeId("evening-peak"),
        kind=kind,
        resource=None,
        power_w=power_w,
        start_at=NOW,
        end_at=NOW + timedelta(seconds=duration_s),
        start_mono_s=0.0,
        ends_mono_s=duration_s,
        event_id="peak-1",
    )


def record(baseline_w: float | None = 7000.0, **changes: Any) -> EventRecord:
    return EventRecord(
        **{
            "key": "peak-1",
            "programme_id": "evening-peak",
            "is_test": False,
            "started_at": NOW,
            "baseline": Baseline(power_w=baseline_w, samples=300),
            "began": {"CS1/1": Registers(charged_wh=100.0, discharged_wh=5.0)},
            **changes,
        }
    )


def run(seconds: int, power_w: float = -4900.0) -> EventRecord:
    made = record()
    made.note_start(order())
    for second in range(seconds):
        made.add(second, good(power_w), is_active=True)
    return made


def test_a_report_says_what_was_asked_and_what_flowed() -> None:
    made = run(600)
    made.note_commitment("order-1", -4950.4)
    made.note_end("order-1", "done", "OK", NOW + timedelta(seconds=600))
    made.ended = {"CS1/1": Registers(charged_wh=100.0, discharged_wh=821.7)}
    body = made.report()
    assert body["requested_wh"] == 833
    assert body["delivered_wh"] == 817
    assert body["measured_wh"] == -817
    assert body["change_wh"] == round((-4900 - 7000) / 6)
    assert body["score_permille"] == 980
    assert body["regulation"] is None
    assert body["unmeasured_s"] == 0
    assert body["start"] == "2026-11-23T17:00:00.000Z"
    assert body["end"] == "2026-11-23T17:10:00.000Z"
    assert body["baseline"] == {
        "method": "meter_before",
        "power_w": 7000,
        "window_s": 300,
        "samples": 300,
    }
    assert body["registers"] == [
        {
            "resource": "CS1/1",
            "charged_wh_start": 100,
            "charged_wh_end": 100,
            "discharged_wh_start": 5,
            "discharged_wh_end": 822,
        }
    ]
    assert body["commands"] == [
        {
            "command_id": "order-1",
            "kind": "setpoint",
            "power_w": -5000,
            "start": "2026-11-23T17:00:00.000Z",
            "end": "2026-11-23T17:10:00.000Z",
            "committed_w": -4950,
            "status": "done",
            "code": "OK",
        }
    ]
    series = body["series"]
    assert series["interval_s"] == 1
    assert series["power_w"] == [-4900] * 600
    assert series["quality"] == [["good", 600]]
    assert series["raw_power_w"] is None


def test_more_than_asked_is_not_delivered_and_the_wrong_way_is_nothing() -> None:
    assert run(600, -6000.0).report()["delivered_wh"] == 833
    assert run(600, 3000.0).report()["delivered_wh"] == 0
    assert run(600, 3000.0).report()["measured_wh"] == 500


def test_without_a_baseline_there_is_no_change_and_without_a_request_no_score() -> None:
    made = record(None)
    made.note_start(order(kind=CommandKind.LIMIT))
    made.add(0, good(1000.0, None), is_active=True)
    body = made.report()
    assert body["change_wh"] is None
    assert body["score_permille"] is None
    assert body["baseline"]["power_w"] is None
    assert body["requested_wh"] == body["delivered_wh"] == 0


def test_seconds_that_nobody_looked_at_are_gaps() -> None:
    made = run(3)
    made.add(6, good(-4900.0), is_active=True)
    made.add(6, good(9000.0), is_active=True)
    made.add(2, good(9000.0), is_active=True)
    series = made.report()["series"]
    assert series["power_w"] == [-4900, -4900, -4900, None, None, None, -4900]
    assert series["quality"] == [["good", 3], ["stale", 3], ["good", 1]]
    assert made.sums.unmeasured_s == 3


def test_what_comes_after_the_last_command_is_cut_off() -> None:
    made = run(10)
    for second in range(10, 30):
        made.add(second, good(0.0, None), is_active=False)
    body = made.report()
    assert len(body["series"]["power_w"]) == 10
    assert body["end"] == "2026-11-23T17:00:10.000Z"


def test_a_signal_that_moves_is_scored_by_how_it_was_followed() -> None:
    made = record()
    made.note_start(order())
    asked = [5000.0 * (1 if (second // 40) % 3 else -1) for second in range(900)]
    for second in range(900):
        made.add(second, good(asked[second], asked[second]), is_active=True)
    body = made.report()
    assert body["regulation"]["total_permille"] == 1000
    assert body["score_permille"] == 1000


def test_what_the_home_breaks_off_stays_asked() -> None:
    made = run(300)
    made.note_end("order-1", "failed", "SOC_FLOOR", NOW + timedelta(seconds=300))
    made.note_end("order-1", "done", "OK", NOW + timedelta(seconds=600))
    body = made.report()
    assert body["requested_wh"] == 833
    assert body["delivered_wh"] == 408
    assert body["commands"][0]["status"] == "failed"
    other = run(300)
    other.note_end("order-1", "cancelled", "OK", NOW + timedelta(seconds=300))
    other.note_end("unknown", "failed", "FAULT", NOW)
    other.note_commitment("unknown", 1.0)
    assert other.report()["requested_wh"] == 417


def test_a_limit_that_the_home_breaks_off_asked_for_no_energy() -> None:
    made = record()
    made.note_start(order(kind=CommandKind.LIMIT))
    made.note_end("order-1", "failed", "FAULT", NOW)
    assert made.report()["requested_wh"] == 0


def test_a_cut_behind_the_end_keeps_all() -> None:
    series = SampleSeries()
    series.add(GAP)
    series.cut(5)
    assert series.seconds == 1


def test_a_silence_of_the_home_is_asked_and_not_measured() -> None:
    made = EventRecord.restore(json.loads(json.dumps(run(100).to_stored())))
    made.fill_gap(160, -5000.0, 600)
    made.fill_gap(150, -5000.0, 600)
    made.note_end("order-1", INTERRUPTED, "FAILSAFE", NOW + timedelta(seconds=160))
    made.add(160, good(-4900.0), is_active=True)
    body = made.report()
    assert body["requested_wh"] == round(5000 * (161 + 440) / 3600)
    assert body["delivered_wh"] == round(4900 * 101 / 3600)
    assert body["unmeasured_s"] == 60
    assert body["interruptions"] == [
        {"start": "2026-11-23T17:01:40.000Z", "end": "2026-11-23T17:02:40.000Z"}
    ]
    assert body["series"]["quality"] == [["good", 100], ["stale", 60], ["good", 1]]


def test_a_silence_beyond_the_end_of_the_command_asks_nothing() -> None:
    made = run(100)
    made.fill_gap(900, -5000.0, 600)
    body = made.report()
    assert body["requested_wh"] == 833
    assert body["end"] == "2026-11-23T17:10:00.000Z"


def test_many_commands_are_counted_and_the_newest_told() -> None:
    made = record()
    for number in range(100):
        made.note_start(order(f"order-{number}"))
        made.note_start(order(f"order-{number}"))
    made.add(0, good(-4900.0), is_active=True)
    body = made.report()
    assert body["command_count"] == 100
    assert len(body["commands"]) == MAX_COMMANDS
    assert body["commands"][-1]["command_id"] == "order-99"


def test_a_long_event_gets_coarser_and_keeps_its_energy() -> None:
    made = run(4 * 3600)
    body = made.report()
    assert body["series"]["interval_s"] == 10
    assert len(body["series"]["power_w"]) == 1440
    assert body["delivered_wh"] == 4 * 4900
    assert body["requested_wh"] == 4 * 5000


def test_even_the_worst_series_fits_into_a_message() -> None:
    made = record()
    for number in range(MAX_COMMANDS):
        made.note_start(order(f"019ab123-4567-7abc-8def-0123456789{number:02d}"))
    for second in range(MAX_SAMPLES):
        power_w = -99_999.0 if second % 2 else None
        sample = Sample(
            power_w=power_w,
            raw_w=None if power_w is None else power_w + 1,
            requested_w=-99_999.0,
            setpoint_w=-99_999.0,
            quality=SampleQuality.GOOD if second % 2 else SampleQuality.STALE,
        )
        made.add(second, sample, is_active=True)
    body = made.report()
    assert len(canonical(body)) <= MAX_BODY_BYTES
    assert body["series"]["interval_s"] == 10


SAMPLES = st.builds(
    Sample,
    power_w=st.none() | st.integers(-9999, 9999).map(float),
    raw_w=st.none() | st.integers(-9999, 9999).map(float),
    requested_w=st.none() | st.integers(-9999, 9999).map(float),
    setpoint_w=st.none() | st.integers(-9999, 9999).map(float),
    quality=st.sampled_from(SampleQuality),
)


@settings(max_examples=60, deadline=None)
@given(
    samples=st.lists(SAMPLES, min_size=1, max_size=40),
    seconds=st.integers(1, 3 * MAX_SAMPLES),
    times=st.integers(0, 3),
)
def test_a_series_never_loses_or_makes_up_time(
    samples: list[Sample], seconds: int, times: int
) -> None:
    series = SampleSeries()
    for second in range(seconds):
        series.add(samples[second % len(samples)])
    for _ in range(times):
        series.coarsen()
    assert series.seconds == seconds
    assert len(series.samples) == -(-seconds // series.interval_s)
    assert len(series.samples) <= MAX_SAMPLES + 1
    again = SampleSeries.restore(json.loads(json.dumps(series.to_stored())))
    assert again.to_report() == series.to_report()
    told = series.to_report()
    assert sum(count for _, count in told["quality"]) == len(told["power_w"])


@settings(max_examples=200, deadline=None)
@given(samples=st.lists(SAMPLES, min_size=1, max_size=60))
def test_delivered_is_never_more_than_asked_nor_than_flowed(
    samples: list[Sample],
) -> None:
    made = record()
    made.note_start(order())
    for second, sample in enumerate(samples):
        made.add(second, sample, is_active=True)
    flowed = sum(abs(s.power_w) for s in samples if s.power_w is not None) / 3600
    assert 0 <= made.sums.delivered_wh <= made.sums.requested_wh + 1e-9
    assert made.sums.delivered_wh <= flowed + 1e-9
    restored = EventRecord.restore(json.loads(json.dumps(made.to_stored())))
    assert restored.report() == made.report()


def test_half_an_interval_must_be_measured() -> None:
    for known, expected in ((4, None), (5, -4900), (10, -4900)):
        series = SampleSeries()
        for second in range(10):
            series.add(good(-4900.0) if second < known else GAP)
        series.coarsen()
        (sample,) = series.samples
        assert sample.power_w == expected
        assert sample.quality is (
            SampleQuality.GOOD
            if known == 10
            else SampleQuality.ESTIMATED
            if known == 5
            else SampleQuality.STALE
        )


def test_what_is_coarser_than_asked_has_no_samples() -> None:
    series = SampleSeries()
    series.add(GAP)
    while series.coarsen():
        pass
    assert series.interval_s == INTERVALS_S[-1]
    assert series.every(10) == ([], [])


@pytest.mark.parametrize(
    "data",
    [
        {"interval_s": 7, "samples": [], "pending": []},
        {"interval_s": 1, "samples": [[1, 2, 3, "good"]], "pending": []},
        {"interval_s": 1, "samples": [[1, 2, 3, 4, "fine"]], "pending": []},
    ],
)
def test_a_series_that_is_none_is_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        SampleSeries.restore(data)
