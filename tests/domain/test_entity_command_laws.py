"""What a charger that is known through entities is told, as laws."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.entity_command import (
    UNTOLD,
    NumberRange,
    Reach,
    WriteIntent,
    WriteStep,
    WriteTarget,
    command,
    perhaps_told,
    power_of_value,
    told,
    value_of_power,
)
from custom_components.v2g_vpp.domain.entity_station import (
    EntitySpecification,
    Quirks,
    StopWay,
    Writes,
    WriteUnit,
    WriteWay,
    problem_of,
)

POWERS = st.floats(min_value=-30_000, max_value=30_000)
UNITS = st.sampled_from(list(WriteUnit))
NUMBERS = (WriteTarget.SETPOINT, WriteTarget.CHARGE, WriteTarget.DISCHARGE)


@st.composite
def quirks(draw: st.DrawFn) -> Quirks:
    return Quirks(
        min_charge_w=draw(st.sampled_from([0.0, 1000.0, 1380.0, 4140.0])),
        min_discharge_w=draw(st.sampled_from([0.0, 1000.0, 1380.0])),
        zero_forbidden=draw(st.booleans()),
        min_write_interval_s=draw(st.sampled_from([0.0, 1.0, 5.0, 25.0])),
        reversal_rest_s=draw(st.sampled_from([0.0, 3.0, 30.0])),
    )


@st.composite
def specifications(draw: st.DrawFn) -> EntitySpecification:
    way = draw(st.sampled_from(list(WriteWay)))
    has_options = way is WriteWay.TWO_NUMBERS and draw(st.booleans())
    return EntitySpecification(
        writes=Writes(
            way=way,
            unit=WriteUnit.WATT if way is WriteWay.SCRIPT else draw(UNITS),
            is_inverted=draw(st.booleans()),
            phases=draw(st.sampled_from([1, 3])),
            charge_option="charge" if has_options else None,
            discharge_option="discharge" if has_options else None,
            stop=draw(st.sampled_from(list(StopWay))),
            has_start=draw(st.booleans()),
        ),
        can_discharge=draw(st.booleans()),
        quirks=draw(quirks()),
    )


SOUND = specifications().filter(lambda one: problem_of(one) is None)


def reach_for(specification: EntitySpecification, step: float = 0.0) -> Reach:
    """Return numbers that can hold every power of a home."""
    signed = specification.writes.way is WriteWay.SIGNED_NUMBER
    return Reach(
        ranges={
            target: NumberRange(
                lowest=-50_000 if signed else 0, highest=50_000, step=step
            )
            for target in NUMBERS
        }
    )


def meant_w(specification: EntitySpecification, step: WriteStep) -> float:
    """Return the power that one step asks for."""
    writes = specification.writes
    match step.target:
        case WriteTarget.SETPOINT:
            assert isinstance(step.value, float)
            return power_of_value(writes, step.value)
        case WriteTarget.CHARGE:
            assert isinstance(step.value, float)
            return abs(power_of_value(writes, step.value))
        case WriteTarget.DISCHARGE:
            assert isinstance(step.value, float)
            return -abs(power_of_value(writes, step.value))
        case _:
            return -step.power_w if writes.is_inverted else step.power_w


def powers_of(specification: EntitySpecification, intent: WriteIntent) -> list[float]:
    carriers = (*NUMBERS, WriteTarget.SCRIPT)
    return [meant_w(specification, s) for s in intent.steps if s.target in carriers]


@given(SOUND, POWERS, st.sampled_from([0.0, 0.1, 1.0]))
def test_nothing_is_written_inside_the_dead_zone(
    specification: EntitySpecification, setpoint_w: float, step: float
) -> None:
    intent = command(
        specification, setpoint_w, UNTOLD, 0.0, reach_for(specification, step)
    )
    assert intent is not None
    for power_w in powers_of(specification, intent):
        is_dead = (
            -specification.quirks.min_discharge_w + 1e-3
            < power_w
            < specification.quirks.min_charge_w - 1e-3
        )
        assert power_w == 0 or not is_dead


@given(SOUND, POWERS)
def test_zero_is_never_written_where_it_is_forbidden(
    specification: EntitySpecification, setpoint_w: float
) -> None:
    intent = command(specification, setpoint_w, UNTOLD, 0.0, reach_for(specification))
    assert intent is not None
    if specification.quirks.zero_forbidden:
        assert 0 not in powers_of(specification, intent)


@given(SOUND, POWERS, st.sampled_from([0.0, 0.1, 1.0]))
def test_never_more_is_told_than_was_asked_for_and_never_the_other_way(
    specification: EntitySpecification, setpoint_w: float, step: float
) -> None:
    intent = command(
        specification, setpoint_w, UNTOLD, 0.0, reach_for(specification, step)
    )
    assert intent is not None
    assert abs(intent.power_w) <= abs(setpoint_w) + 1e-6
    assert intent.power_w * setpoint_w >= 0
    if not specification.can_discharge:
        assert intent.power_w >= 0
    if intent.power_w != 0:
        assert pytest.approx(intent.power_w, abs=1e-3) in powers_of(
            specification, intent
        )


@given(POWERS, UNITS, st.booleans(), st.sampled_from([1, 3]), st.floats(100.0, 400.0))
def test_a_power_comes_back_from_its_number(
    power_w: float, unit: WriteUnit, is_inverted: bool, phases: int, voltage_v: float
) -> None:
    writes = Writes(
        way=WriteWay.SIGNED_NUMBER,
        unit=unit,
        is_inverted=is_inverted,
        phases=phases,
        voltage_v=voltage_v,
    )
    value = value_of_power(writes, power_w)
    assert power_of_value(writes, value) == pytest.approx(power_w, abs=1e-6)


@given(
    SOUND,
    st.lists(st.tuples(POWERS, st.floats(0.1, 20.0)), min_size=1, max_size=30),
)
def test_the_write_interval_is_kept_but_for_what_moves_towards_zero(
    specification: EntitySpecification, wishes: list[tuple[float, float]]
) -> None:
    now_mono_s, last = 1_000.0, UNTOLD
    reach = reach_for(specification)
    for setpoint_w, pause_s in wishes:
        now_mono_s += pause_s
        intent = command(specification, setpoint_w, last, now_mono_s, reach)
        if intent is None:
            continue
        gap_s = now_mono_s - last.written_mono_s
        is_less = intent.power_w == 0 or (
            last.power_w is not None
            and intent.power_w * last.power_w > 0
            and abs(intent.power_w) < abs(last.power_w)
        )
        assert is_less or gap_s >= specification.quirks.min_write_interval_s
        last = told(last, intent, now_mono_s)


@given(
    SOUND,
    st.lists(st.tuples(POWERS, st.floats(0.1, 20.0)), min_size=1, max_size=30),
)
def test_the_way_to_the_other_direction_rests_at_zero(
    specification: EntitySpecification, wishes: list[tuple[float, float]]
) -> None:
    now_mono_s, last, sign = 1_000.0, UNTOLD, 0
    ended_mono_s: float | None = None
    reach = reach_for(specification)
    for setpoint_w, pause_s in wishes:
        now_mono_s += pause_s
        intent = command(specification, setpoint_w, last, now_mono_s, reach)
        if intent is None:
            continue
        if intent.power_w == 0:
            ended_mono_s = ended_mono_s or now_mono_s
        else:
            is_turn = intent.power_w * sign < 0
            if is_turn:
                assert ended_mono_s is not None
                rested_s = now_mono_s - ended_mono_s
                assert rested_s >= specification.quirks.reversal_rest_s
            sign = 1 if intent.power_w > 0 else -1
            ended_mono_s = None
        last = told(last, intent, now_mono_s)


@given(SOUND, POWERS.filter(lambda power_w: abs(power_w) > 5_000))
def test_what_was_perhaps_told_is_ended_before_the_other_direction(
    specification: EntitySpecification, power_w: float
) -> None:
    reach = reach_for(specification)
    intent = command(specification, power_w, UNTOLD, 0.0, reach)
    assert intent is not None
    last = perhaps_told(UNTOLD, intent, 0.0)
    other = command(specification, -power_w, last, 1_000.0, reach)
    assert other is not None
    assert other.power_w == 0 or intent.power_w == 0
