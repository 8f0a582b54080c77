"""A Wallbox Quasar 1 as its Modbus registers show it.

Facts of the registers are from public documents; nothing here was seen on hardware.
What the documents leave open is an argument: whether a read is a sign of life.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Final

from custom_components.v2g_vpp.virtual.plant import FAST, PlantParameters

from .charger import PlantCharger

REST_W: Final = 60.0
"""Below it nothing flows that anybody meant."""

LARGEST_W: Final = 7_400.0
MINIMUM_W: Final = 1_380.0
PLANT: Final = replace(
    FAST,
    max_charge_power_w=LARGEST_W,
    max_discharge_power_w=LARGEST_W,
    minimum_power_w=MINIMUM_W,
)
WORD: Final = 1 << 16


class Register(IntEnum):
    """Where things are."""

    CONTROL = 81
    """0: the app, 1: Modbus."""

    AUTOSTART = 82
    SETPOINT_TYPE = 83
    """0: current, 1: power."""

    IDLE_TIMEOUT_S = 88
    """0: none."""

    ACTION = 257
    """1: start, 2: stop."""

    SETPOINT_W = 260
    """Signed, positive into the vehicle."""

    POWER_W = 526
    """Signed."""

    STATE = 537
    SOC_PERCENT = 538


WRITABLE: Final = frozenset(
    {
        Register.CONTROL,
        Register.AUTOSTART,
        Register.SETPOINT_TYPE,
        Register.IDLE_TIMEOUT_S,
        Register.ACTION,
        Register.SETPOINT_W,
    }
)


class State(IntEnum):
    """What register 537 says, of what this one can be in."""

    NO_CAR = 0
    CHARGING = 1
    WAITING_FOR_DEMAND = 2
    PAUSED = 4
    ERROR = 7
    DISCHARGING = 11


def word_of(value: float) -> int:
    """Return the register of a signed number: two's complement of 16 bits."""
    return round(value) % WORD


def signed_of(word: int) -> int:
    """Return the signed number of a register."""
    return word - WORD if word >= WORD // 2 else word


class Quasar:
    """The registers over a plant."""

    def __init__(
        self,
        now: Callable[[], float],
        plant: PlantParameters = PLANT,
        *,
        soc_percent: float = 60.0,
        is_read_a_sign_of_life: bool = False,
        hides_soc_at_rest: bool = True,
    ) -> None:
        """Begin as a Quasar that its app controls, with a vehicle plugged.

        Args:
            now: monotonic time, s.
            plant: how power follows a setpoint.
            soc_percent: of the vehicle at the beginning.
            is_read_a_sign_of_life: True: whoever only reads keeps the power alive.
            hides_soc_at_rest: True: its state of charge is 0 while nothing flows.
        """
        self.charger = PlantCharger(plant, now, soc_percent=soc_percent)
        self.is_faulted = False
        self._is_read_a_sign_of_life = is_read_a_sign_of_life
        self._hides_soc_at_rest = hides_soc_at_rest
        self._settings = dict.fromkeys(WRITABLE, 0)
        self._settings[Register.AUTOSTART] = 1
        self._is_started = False
        self._seen_expiries = 0

    def read(self, register: Register) -> int:
        """Return what a register shows."""
        if self._is_read_a_sign_of_life:
            self.charger.hear()
        self._look()
        match register:
            case Register.POWER_W:
                return word_of(self.charger.measured_w)
            case Register.STATE:
                return self.state
            case Register.SOC_PERCENT:
                return self._shown_soc()
            case _:
                return self._settings[register]

    def write(self, register: Register, word: int) -> None:
        """Take a word; without control by Modbus only that can be taken."""
        self.charger.hear()
        self._look()
        if register is not Register.CONTROL and not self.is_remote:
            return
        self._settings[register] = word
        match register:
            case Register.CONTROL if word == 0:
                self._give_back()
            case Register.IDLE_TIMEOUT_S:
                self.charger.idle_timeout_s = float(word) or None
            case Register.ACTION:
                self._is_started = word == 1
                self._follow()
            case Register.SETPOINT_W | Register.SETPOINT_TYPE:
                self._follow()

    @property
    def is_remote(self) -> bool:
        """True while Modbus controls it."""
        return self._settings[Register.CONTROL] == 1

    @property
    def state(self) -> State:
        """What it says that it does."""
        self._look()
        power_w = self.charger.power_w
        if self.is_faulted:
            return State.ERROR
        if not self.charger.is_plugged:
            return State.NO_CAR
        if abs(power_w) > REST_W:
            return State.CHARGING if power_w > 0 else State.DISCHARGING
        return State.WAITING_FOR_DEMAND if self._is_started else State.PAUSED

    def _shown_soc(self) -> int:
        is_known = self.charger.is_plugged and (
            not self._hides_soc_at_rest or abs(self.charger.power_w) > REST_W
        )
        return int(self.charger.soc_percent) if is_known else 0

    def _look(self) -> None:
        """What ended by itself, or with its vehicle, needs a start to go on."""
        self.charger.catch_up()
        if self._seen_expiries != self.charger.expiries or not self.charger.is_plugged:
            self._seen_expiries = self.charger.expiries
            self._is_started = False

    def _give_back(self) -> None:
        self._settings[Register.AUTOSTART] = 1
        self._settings[Register.SETPOINT_TYPE] = 0
        self._settings[Register.IDLE_TIMEOUT_S] = 0
        self.charger.idle_timeout_s = None
        self._is_started = False
        self._follow()

    def _follow(self) -> None:
        if self._wanted_w != self.charger.command_w:
            self.charger.tell(self._wanted_w)

    @property
    def _wanted_w(self) -> float:
        is_power = self._settings[Register.SETPOINT_TYPE] == 1
        if not (self._is_started and is_power and self.charger.is_plugged):
            return 0.0
        return float(signed_of(self._settings[Register.SETPOINT_W]))


READABLE: Final[Mapping[int, Register]] = {
    register.value: register for register in Register
}
