"""The door for a reference meter."""

from abc import abstractmethod

from ..control.calibration import PAIR_AGE_S, CalibrationRun
from ..domain.calibration import CalibrationProgress
from ..domain.clock import Clock
from ..domain.errors import MeterSilent
from ..domain.ids import EvseKey
from ..domain.measurement import fresh_value
from .keeper import Keeper
from .records import EvseRecord
from .user_commands import UserCommands


class CalibrationDoor:
    """Compares the meter of an EVSE with a reference, sample by sample."""

    _clock: Clock
    _commands: UserCommands
    _keeper: Keeper

    async def calibrate(self, key: EvseKey, reference_w: float) -> CalibrationProgress:
        """Take what a reference meter shows of an EVSE now; tell what is needed next.

        Once two powers are known the meter is calibrated, and that is on disk before
        this returns. A refused calibration leaves the one before as it was.

        Args:
            key: of the EVSE.
            reference_w: the power into the vehicle, W, negative while it discharges.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            MeterSilent: its own meter is silent.
        """
        record = self._commands.evse(key)
        raw_w = fresh_value(
            record.session.measurement.power_w, self._clock.monotonic(), PAIR_AGE_S
        )
        if raw_w is None:
            raise MeterSilent(str(key))
        progress = record.calibration_run.add(
            raw_w, reference_w, self._clock.utcnow().isoformat()
        )
        if progress.calibration is not None:
            record.calibration = progress.calibration
            await self._read_anew(record)
        return progress

    async def clear_calibration(self, key: EvseKey) -> None:
        """Believe the meter of an EVSE again, and forget samples of an unfinished run.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        record = self._commands.evse(key)
        record.calibration, record.calibration_run = None, CalibrationRun()
        await self._read_anew(record)

    async def _read_anew(self, record: EvseRecord) -> None:
        record.learner.forget_offsets()
        await self._act_and_save()

    @abstractmethod
    async def _act_and_save(self) -> None:
        """Let control run, then write what must last."""
