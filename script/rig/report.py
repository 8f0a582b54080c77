"""What a run of the scenario measured, step by step, and whether it held."""

from collections.abc import Awaitable, Callable, Mapping
import json
import time
import traceback
from typing import Any

import aiohttp

from .home_assistant_client import FlowError
from .home_assistant_socket import ActionError
from .processes import RigError
from .waiting import NotSeenError, Waits

type Details = Mapping[str, Any]
type Step = Callable[[], Awaitable[Details]]

EXPECTED_FAILURES = (
    NotSeenError,
    RigError,
    FlowError,
    ActionError,
    aiohttp.ClientError,
    TimeoutError,
)
"""How a step fails when the product, not the rig, is wrong."""


FIGURES = (
    "dispatch_to_wire_ms",
    "dispatch_to_wire_ms_each",
    "dispatch_to_first_kw_ms",
    "dispatch_to_power_s",
    "failsafe_s",
    "failsafe_by_case",
    "deadman_s",
    "deadman_by_case",
    "estop_to_wire_ms",
    "estop_to_zero_s",
    "floor_violation_wh",
    "restart_recovered",
)
"""Always in the result; null when the step that measures it did not get there."""


class Report:
    """Runs steps, keeps what they found, and goes on after one that failed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Start the clock.

        Args:
            say: takes one line of progress for a person.
        """
        self.waits = Waits()
        self.figures: dict[str, Any] = {}
        self._say = say
        self._steps: list[dict[str, Any]] = []
        self._began_mono_s = time.monotonic()
        self._blocked_by: str | None = None

    @property
    def is_ok(self) -> bool:
        """Return True when there was a step and every one held."""
        return bool(self._steps) and all(step["ok"] for step in self._steps)

    async def run(
        self, name: str, step: Step, *, is_needed_later: bool = False
    ) -> bool:
        """Run one step; return True when it held.

        Args:
            name: what the step shows.
            step: returns what was measured; raises what was expected and seen.
            is_needed_later: when it fails, no later step can say anything.
        """
        if self._blocked_by is not None:
            self._keep(name, 0.0, {"not run": f"needs '{self._blocked_by}'"}, ok=False)
            return False
        self._say(f"… {name}")
        began = time.monotonic()
        try:
            details, ok = dict(await step()), True
        except EXPECTED_FAILURES as err:
            details, ok = {"failed": str(err) or type(err).__name__}, False
        except Exception as err:  # noqa: BLE001 - a report in any case; it says the place
            details, ok = {"failed": f"{type(err).__name__}: {err}"}, False
            details["where"] = traceback.format_tb(err.__traceback__)[-1].strip()
        self._keep(name, time.monotonic() - began, details, ok=ok)
        if not ok and is_needed_later:
            self._blocked_by = name
        return ok

    def worst(self, name: str, value: float, digits: int = 1) -> None:
        """Keep a figure; of several the largest."""
        rounded = round(value, digits)
        self.figures[name] = max(rounded, self.figures.get(name, rounded))

    def as_json(self) -> str:
        """Return the whole run as one line."""
        return json.dumps(
            {
                "ok": self.is_ok,
                "steps": self._steps,
                "waits": self.waits.seconds,
                **{name: self.figures.get(name) for name in FIGURES},
                "total_s": round(time.monotonic() - self._began_mono_s, 1),
            }
        )

    def _keep(self, name: str, seconds: float, details: Details, *, ok: bool) -> None:
        step = {"name": name, "ok": ok, "seconds": round(seconds, 2)}
        self._steps.append({**step, "details": details})
        words = ", ".join(f"{key} {value}" for key, value in details.items())
        self._say(f"{'ok  ' if ok else 'FAIL'} {name} ({seconds:.1f} s): {words}")
