"""All grid settings of a station, and which of them rules (OCPP 2.1 R04)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from .control import Control, DerType

MAX_CONTROLS: Final = 24
"""As many as one report holds of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A scheduled control started or ended."""

    control_id: str
    is_started: bool
    at: datetime
    superseded_ids: tuple[str, ...] = ()


class Controls:
    """The controls, kept over reboots as the text demands."""

    def __init__(self) -> None:
        """Start with none."""
        self._controls: dict[str, Control] = {}

    def __iter__(self) -> Iterator[Control]:
        """Iterate over all controls."""
        return iter(tuple(self._controls.values()))

    def set(self, control: Control) -> tuple[str, ...] | None:
        """Take a control in; return the ids that are superseded, None when refused.

        A default supersedes a default of a higher number. A scheduled one supersedes a
        scheduled one that waits; one that is active goes on until the new one starts
        (FR.06, FR.07). Whoever comes with the higher number is superseded at once.
        """
        is_new = control.control_id not in self._controls
        if is_new and len(self._controls) >= MAX_CONTROLS:
            return None
        self._controls.pop(control.control_id, None)
        rivals = [each for each in self if self._is_rival(each, control)]
        stronger = [
            each
            for each in rivals
            if each.rank < control.rank and (each.is_default or each.is_started)
        ]
        if stronger:
            self._supersede(control)
            return (control.control_id,)
        weaker = [
            each for each in rivals if each.rank >= control.rank and not each.is_started
        ]
        for each in weaker:
            self._supersede(each)
        self._controls[control.control_id] = control
        return tuple(each.control_id for each in weaker)

    def select(
        self,
        *,
        is_default: bool | None,
        control_type: str | None,
        control_id: str | None,
    ) -> tuple[Control, ...]:
        """Return the controls that match; None matches any (R04.FR.30)."""
        return tuple(
            each
            for each in self
            if is_default in {None, each.is_default}
            and control_type in {None, each.type}
            and control_id in {None, each.control_id}
        )

    def clear(self, doomed: tuple[Control, ...]) -> None:
        """Forget controls."""
        for control in doomed:
            self._controls.pop(control.control_id, None)

    def ruling(self, control_type: DerType) -> Control | None:
        """Return the control of a type that acts now (R04.FR.09, FR.11)."""
        valid = [
            each
            for each in self
            if each.type is control_type and not each.is_superseded
        ]
        return next(
            (each for each in valid if each.is_started),
            next((each for each in valid if each.is_default), None),
        )

    def advance(self, at: datetime) -> list[Change]:
        """Start and end what is due; return what is to be told (FR.20 to FR.22)."""
        ends = [self._end(each, at) for each in self if each.is_over(at)]
        due = [
            each
            for each in self
            if not (each.is_default or each.is_started or each.is_superseded)
            and each.is_due(at)
        ]
        starts = [self._start(each, at) for each in sorted(due, key=_rank)]
        return [change for change in (*ends, *starts) if change is not None]

    def _start(self, control: Control, at: datetime) -> Change | None:
        rivals = [
            each for each in self if each.is_started and self._is_rival(each, control)
        ]
        if any(each.rank < control.rank for each in rivals):
            self._supersede(control)
            return None
        for each in rivals:
            self._supersede(each)
        self._controls[control.control_id] = replace(control, is_started=True)
        return Change(
            control_id=control.control_id,
            is_started=True,
            at=at,
            superseded_ids=tuple(each.control_id for each in rivals),
        )

    def _end(self, control: Control, at: datetime) -> Change | None:
        del self._controls[control.control_id]
        if not control.is_started or control.is_superseded:
            return None
        return Change(control_id=control.control_id, is_started=False, at=at)

    def _supersede(self, control: Control) -> None:
        self._controls[control.control_id] = replace(control, is_superseded=True)

    @staticmethod
    def _is_rival(each: Control, control: Control) -> bool:
        return (
            each.type is control.type
            and each.is_default is control.is_default
            and each.control_id != control.control_id
            and not each.is_superseded
        )


def _rank(control: Control) -> int:
    return control.rank
