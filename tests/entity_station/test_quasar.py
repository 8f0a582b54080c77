"""The plant behind the registers of a Quasar does what its documents say."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.virtual.plant import FAST
from tests.fakes import FakeClock

from .charger import PlantCharger
from .quasar import REST_W, Quasar, Register, State, signed_of, word_of

NEAR_W = 200.0
"""Offset and noise of the plant."""


class Bench:
    """A Quasar, and time that is moved by hand."""

    def __init__(self, *, is_read_a_sign_of_life: bool = False) -> None:
        self.clock = FakeClock()
        self.quasar = Quasar(
            self.clock.monotonic, is_read_a_sign_of_life=is_read_a_sign_of_life
        )

    def take_control(self, idle_timeout_s: int = 60) -> None:
        for register, word in (
            (Register.CONTROL, 1),
            (Register.AUTOSTART, 0),
            (Register.SETPOINT_TYPE, 1),
            (Register.IDLE_TIMEOUT_S, idle_timeout_s),
        ):
            self.quasar.write(register, word)

    def ask(self, power_w: float) -> None:
        self.quasar.write(Register.SETPOINT_W, word_of(power_w))
        self.quasar.write(Register.ACTION, 1)

    def run(self, duration_s: float, *, reads: bool = False) -> None:
        for _ in range(round(duration_s)):
            self.clock.advance(1.0)
            if reads:
                self.quasar.read(Register.POWER_W)

    @property
    def power_w(self) -> float:
        return self.quasar.charger.power_w


@given(st.integers(min_value=-32_768, max_value=32_767))
def test_signed_register_is_the_twos_complement(power_w: int) -> None:
    assert signed_of(word_of(power_w)) == power_w
    assert 0 <= word_of(power_w) < 65_536


def test_three_kilowatts_of_discharge_are_62536() -> None:
    assert word_of(-3_000) == 62_536


def test_nothing_flows_before_modbus_has_control() -> None:
    bench = Bench()
    bench.ask(-3_000)
    bench.run(30)
    assert bench.power_w == pytest.approx(0, abs=REST_W)


def test_signed_setpoint_flows_in_its_direction() -> None:
    bench = Bench()
    bench.take_control()
    for power_w, state in ((3_000, State.CHARGING), (-3_000, State.DISCHARGING)):
        bench.ask(power_w)
        bench.run(15)
        assert signed_of(bench.quasar.read(Register.POWER_W)) == pytest.approx(
            power_w, abs=NEAR_W
        )
        assert bench.quasar.read(Register.STATE) == state


def test_setpoint_in_watts_needs_the_type_power() -> None:
    bench = Bench()
    bench.take_control()
    bench.quasar.write(Register.SETPOINT_TYPE, 0)
    bench.ask(-3_000)
    bench.run(15)
    assert bench.power_w == pytest.approx(0, abs=REST_W)


def test_below_six_amperes_nothing_flows() -> None:
    bench = Bench()
    bench.take_control()
    bench.ask(-1_000)
    bench.run(15)
    assert bench.power_w == pytest.approx(0, abs=REST_W)


@pytest.mark.parametrize("reads", [False, True], ids=["silence", "somebody reads"])
def test_discharge_ends_by_itself_after_the_idle_timeout(reads: bool) -> None:
    bench = Bench()
    bench.take_control(idle_timeout_s=60)
    bench.ask(-3_000)
    bench.run(58, reads=reads)
    assert bench.power_w < -2_500
    bench.run(5, reads=reads)
    assert bench.power_w == pytest.approx(0, abs=REST_W)
    assert bench.quasar.charger.expiries == 1
    assert bench.quasar.read(Register.STATE) == State.PAUSED


def test_idle_timeout_that_reads_renew_never_ends_what_is_read() -> None:
    bench = Bench(is_read_a_sign_of_life=True)
    bench.take_control(idle_timeout_s=60)
    bench.ask(-3_000)
    bench.run(300, reads=True)
    assert bench.power_w < -2_500
    bench.run(70)
    assert bench.power_w == pytest.approx(0, abs=REST_W)


def test_same_setpoint_again_goes_on_before_and_starts_anew_after_the_end() -> None:
    bench = Bench()
    bench.take_control(idle_timeout_s=60)
    for _ in range(9):
        bench.ask(-3_000)
        bench.run(20)
    assert bench.power_w < -2_500
    bench.run(70)
    assert bench.power_w == pytest.approx(0, abs=REST_W)
    bench.ask(-3_000)
    bench.run(10)
    assert bench.power_w < -2_500


def test_without_an_idle_timeout_a_discharge_never_ends() -> None:
    bench = Bench()
    bench.take_control(idle_timeout_s=0)
    bench.ask(-3_000)
    bench.run(900)
    assert bench.power_w < -2_500


def test_control_that_is_given_back_ends_the_power_and_the_timeout() -> None:
    bench = Bench()
    bench.take_control()
    bench.ask(-3_000)
    bench.run(10)
    bench.quasar.write(Register.CONTROL, 0)
    bench.run(3)
    assert bench.power_w == pytest.approx(0, abs=REST_W)
    assert bench.quasar.read(Register.IDLE_TIMEOUT_S) == 0


def test_stop_ends_the_power() -> None:
    bench = Bench()
    bench.take_control()
    bench.ask(3_000)
    bench.run(10)
    bench.quasar.write(Register.ACTION, 2)
    bench.run(3)
    assert bench.power_w == pytest.approx(0, abs=REST_W)


def test_state_of_charge_is_shown_while_power_flows() -> None:
    bench = Bench()
    bench.take_control()
    assert bench.quasar.read(Register.SOC_PERCENT) == 0
    bench.ask(3_000)
    bench.run(10)
    assert bench.quasar.read(Register.SOC_PERCENT) == 60


def test_vehicle_that_leaves_takes_its_power_with_it() -> None:
    bench = Bench()
    bench.take_control()
    bench.ask(-3_000)
    bench.run(10)
    bench.quasar.charger.unplug()
    assert bench.power_w == 0
    assert bench.quasar.read(Register.STATE) == State.NO_CAR
    bench.quasar.charger.plug(40.0)
    bench.run(10)
    assert bench.power_w == pytest.approx(0, abs=REST_W)


def test_charger_discharges_its_vehicle() -> None:
    clock = FakeClock()
    charger = PlantCharger(FAST, clock.monotonic, soc_percent=60.0)
    charger.tell(-6_000)
    for _ in range(360):
        clock.advance(10.0)
        charger.catch_up()
    # One hour of 6 kW out of 60 kWh, less the offset, and what the conversion takes.
    assert charger.soc_percent == pytest.approx(49.8, abs=0.5)
