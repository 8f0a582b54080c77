"""What a charger that is known through entities is told, case by case."""

from math import inf, nan

import pytest

from custom_components.v2g_vpp.domain.entity_command import (
    UNTOLD,
    LastWrite,
    NotWritableError,
    NumberRange,
    Reach,
    WriteIntent,
    WriteStep,
    WriteTarget,
    command,
    largest_powers_w,
    stop,
    told,
)
from custom_components.v2g_vpp.domain.entity_station import (
    EntitySpecification,
    Quirks,
    StopWay,
    Writes,
    WriteUnit,
    WriteWay,
)


def signed(**more: object) -> EntitySpecification:
    return EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("power_w", [nan, inf, -inf])
def test_no_finite_power_is_refused(power_w: float) -> None:
    with pytest.raises(NotWritableError):
        command(signed(), power_w, UNTOLD, 0.0)


def test_a_number_that_cannot_be_zero_is_no_way_to_stop() -> None:
    reach = Reach(ranges={WriteTarget.SETPOINT: NumberRange(lowest=6, highest=32)})
    with pytest.raises(NotWritableError):
        stop(signed(), reach)


def test_a_number_that_begins_above_what_was_asked_for_is_not_set() -> None:
    specification = EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER, stop=StopWay.SWITCH)
    )
    reach = Reach(ranges={WriteTarget.SETPOINT: NumberRange(lowest=6, highest=32)})
    intent = command(specification, 3.0, UNTOLD, 0.0, reach)
    assert intent == WriteIntent(
        power_w=0.0, steps=(WriteStep(target=WriteTarget.STOP, value=False),)
    )


def test_amperes_are_rounded_towards_zero() -> None:
    specification = EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER, unit=WriteUnit.AMPERE)
    )
    reach = Reach(
        ranges={WriteTarget.SETPOINT: NumberRange(lowest=-32, highest=32, step=1)}
    )
    intent = command(specification, -5_000.0, UNTOLD, 0.0, reach)
    assert intent is not None
    assert intent.steps == (WriteStep(target=WriteTarget.SETPOINT, value=-21.0),)
    assert intent.power_w == pytest.approx(-4_830)


def test_two_numbers_set_the_number_before_the_direction() -> None:
    specification = EntitySpecification(
        writes=Writes(
            way=WriteWay.TWO_NUMBERS,
            charge_option="Charge",
            discharge_option="Discharge",
            rest_option="Off",
        )
    )
    intent = command(specification, -3_000.0, UNTOLD, 0.0)
    assert intent is not None
    assert [(s.target, s.value) for s in intent.steps] == [
        (WriteTarget.DISCHARGE, 3_000.0),
        (WriteTarget.DIRECTION, "Discharge"),
    ]
    assert [(s.target, s.value) for s in stop(specification).steps] == [
        (WriteTarget.DIRECTION, "Off"),
        (WriteTarget.DISCHARGE, 0.0),
        (WriteTarget.CHARGE, 0.0),
    ]


def test_two_numbers_without_a_direction_clear_the_other_one_first() -> None:
    specification = EntitySpecification(writes=Writes(way=WriteWay.TWO_NUMBERS))
    intent = command(specification, 3_000.0, UNTOLD, 0.0)
    assert intent is not None
    assert [(s.target, s.value) for s in intent.steps] == [
        (WriteTarget.DISCHARGE, 0.0),
        (WriteTarget.CHARGE, 3_000.0),
    ]


def test_a_script_is_told_power_and_duration() -> None:
    specification = EntitySpecification(
        writes=Writes(way=WriteWay.SCRIPT, is_inverted=True),
        quirks=Quirks(watchdog_s=45),
    )
    intent = command(specification, -3_000.7, UNTOLD, 0.0)
    assert intent is not None
    (step,) = intent.steps
    assert (step.power_w, step.duration_s) == (3_000.0, 45)
    (step,) = stop(specification).steps
    assert (step.power_w, step.duration_s) == (0.0, 45)


def test_what_runs_is_not_started_again() -> None:
    specification = EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER, stop=StopWay.SWITCH, has_start=True)
    )
    first = command(specification, 3_000.0, UNTOLD, 0.0)
    assert first is not None
    assert [s.target for s in first.steps] == ["setpoint", "stop", "start"]
    again = command(specification, 4_000.0, told(UNTOLD, first, 0.0), 60.0)
    assert again is not None
    assert [s.target for s in again.steps] == ["setpoint", "stop"]


def test_the_least_power_is_what_stops_a_charger_without_rest() -> None:
    specification = EntitySpecification(
        writes=Writes(
            way=WriteWay.SIGNED_NUMBER,
            unit=WriteUnit.AMPERE,
            stop=StopWay.MINIMUM_POWER,
            has_start=True,
        ),
        quirks=Quirks(min_charge_w=1_000, zero_forbidden=True),
    )
    reach = Reach(
        ranges={WriteTarget.SETPOINT: NumberRange(lowest=-16, highest=16, step=1)}
    )
    assert stop(specification, reach) == WriteIntent(
        power_w=0.0, steps=(WriteStep(target=WriteTarget.SETPOINT, value=5.0),)
    )


def test_a_charger_without_rest_that_is_a_script_gets_whole_watts() -> None:
    specification = EntitySpecification(
        writes=Writes(way=WriteWay.SCRIPT, stop=StopWay.MINIMUM_POWER),
        quirks=Quirks(min_charge_w=1_000.5),
    )
    (step,) = stop(specification).steps
    assert step.power_w == 1_001.0


@pytest.mark.parametrize(
    ("writes", "ranges", "powers_w"),
    [
        pytest.param(
            Writes(way=WriteWay.SIGNED_NUMBER, unit=WriteUnit.KILOWATT),
            {WriteTarget.SETPOINT: NumberRange(lowest=-6, highest=7)},
            (7_000, 6_000),
            id="a signed number",
        ),
        pytest.param(
            Writes(way=WriteWay.SIGNED_NUMBER, is_inverted=True),
            {WriteTarget.SETPOINT: NumberRange(lowest=-6_000, highest=7_000)},
            (6_000, 7_000),
            id="a signed number the other way round",
        ),
        pytest.param(
            Writes(way=WriteWay.TWO_NUMBERS, unit=WriteUnit.AMPERE, phases=3),
            {
                WriteTarget.CHARGE: NumberRange(lowest=0, highest=16),
                WriteTarget.DISCHARGE: NumberRange(lowest=0, highest=10),
            },
            (11_040, 6_900),
            id="two numbers",
        ),
        pytest.param(Writes(way=WriteWay.SCRIPT), {}, (inf, inf), id="a script"),
    ],
)
def test_how_much_the_numbers_can_hold(
    writes: Writes,
    ranges: dict[WriteTarget, NumberRange],
    powers_w: tuple[float, float],
) -> None:
    specification = EntitySpecification(writes=writes)
    assert largest_powers_w(specification, Reach(ranges=ranges)) == powers_w


def test_a_rest_counts_from_its_first_zero() -> None:
    zero = WriteIntent(power_w=0.0, steps=())
    last = told(told(LastWrite(power_w=5_000, direction=1), zero, 10.0), zero, 15.0)
    assert (last.rested_mono_s, last.written_mono_s) == (10.0, 15.0)


def test_after_a_stranger_every_power_begins_with_a_rest() -> None:
    specification = signed(quirks=Quirks(reversal_rest_s=5, min_write_interval_s=1))
    last = LastWrite(written_mono_s=0.0, direction=None)
    intent = command(specification, 3_000.0, last, 10.0)
    assert intent is not None
    assert intent.power_w == 0
    last = told(last, intent, 10.0)
    assert command(specification, 3_000.0, last, 14.0) is None
    intent = command(specification, 3_000.0, last, 15.0)
    assert intent is not None
    assert intent.power_w == 3_000
    assert told(last, intent, 15.0).direction == 1


@pytest.mark.parametrize("power_w", [-3_000.0, 3_000.0])
def test_a_number_in_another_unit_is_told_no_power(power_w: float) -> None:
    kilowatts = NumberRange(lowest=-11, highest=11, step=0.1, unit="kW")
    reach = Reach(ranges={WriteTarget.SETPOINT: kilowatts})
    with pytest.raises(NotWritableError):
        command(signed(), power_w, UNTOLD, 0.0, reach)
    assert stop(signed(), reach).power_w == 0


@pytest.mark.parametrize(
    ("is_inverted", "lowest", "highest", "value"),
    [(False, 6.0, 32.0, 6.0), (True, -32.0, -6.0, -6.0), (False, -32.0, 32.0, 5.0)],
)
def test_the_least_power_is_none_that_the_number_cannot_be(
    is_inverted: bool, lowest: float, highest: float, value: float
) -> None:
    specification = EntitySpecification(
        writes=Writes(
            way=WriteWay.SIGNED_NUMBER,
            unit=WriteUnit.AMPERE,
            stop=StopWay.MINIMUM_POWER,
            is_inverted=is_inverted,
        ),
        quirks=Quirks(min_charge_w=1_000, zero_forbidden=True),
    )
    bounds = NumberRange(lowest=lowest, highest=highest, step=1)
    intent = stop(specification, Reach(ranges={WriteTarget.SETPOINT: bounds}))
    assert [step.value for step in intent.steps] == [value]


@pytest.mark.parametrize("power_w", [-1_000.0, 1_000.0])
def test_towards_zero_is_nothing_of_a_power_that_nobody_knows(power_w: float) -> None:
    seldom = signed(quirks=Quirks(min_write_interval_s=10.0))
    unknown = LastWrite(power_w=None, written_mono_s=100.0, direction=0)
    assert command(seldom, power_w, unknown, 109.0) is None
    assert command(seldom, power_w, unknown, 110.0) is not None
    assert command(seldom, 0.0, unknown, 100.0) is not None, "a stop is never early"


def test_a_number_that_cannot_go_the_other_way_is_stopped_and_not_turned() -> None:
    one_way = EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER, stop=StopWay.SWITCH)
    )
    bounds = NumberRange(lowest=1_000, highest=7_000, step=1)
    reach = Reach(ranges={WriteTarget.SETPOINT: bounds})
    intent = command(one_way, -3_000.0, UNTOLD, 0.0, reach)
    assert intent == stop(one_way, reach)
