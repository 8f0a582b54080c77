"""The desk of rehearsals: one at a time, and never in the way of a real dispatch."""

from collections.abc import Callable
from dataclasses import replace
from typing import override

from ..domain.clock import Clock
from ..domain.ports import Signer, Verify
from ..domain.rehearsal import (
    RehearsalKind,
    RehearsalReport,
    RehearsalRequest,
    RehearsalStage,
    Rehearsing,
)
from .rehearsal_run import LONGEST_WAY_S, ZERO_WITHIN_S, RehearsalRun


class RehearsalDesk(Rehearsing):
    """Plays one rehearsal at a time."""

    def __init__(
        self,
        *,
        stage: RehearsalStage,
        clock: Clock,
        make_signer: Callable[[], Signer],
        verify: Verify,
    ) -> None:
        """Play on ``stage``; every rehearsal gets a key of its own."""
        self._stage, self._clock = stage, clock
        self._make_signer, self._verify = make_signer, verify
        self._is_stopped = False

    def stop(self) -> None:
        """Interrupt what is played: the home goes."""
        self._is_stopped = True

    @override
    async def rehearse(self, request: RehearsalRequest) -> RehearsalReport:
        if request.kind is RehearsalKind.LINK_LOSS:
            # The command must not end before the link does.
            request = replace(request, duration_s=LONGEST_WAY_S + ZERO_WITHIN_S)
        run = RehearsalRun(
            request,
            self._stage,
            self._clock,
            self._make_signer(),
            self._verify,
            lambda: self._is_stopped,
        )
        # What follows a command must fit before a real dispatch, too.
        needed_s = request.duration_s + ZERO_WITHIN_S
        self._stage.begin_rehearsal(run, request.key, needed_s)
        try:
            return await run.play()
        finally:
            self._stage.end_rehearsal()
