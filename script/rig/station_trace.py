"""What happened at a station, with times that other processes can compare.

``time.monotonic`` counts from the same moment in every process of one machine.
"""

from collections import deque
import json
import time
from typing import Any

MAX_EVENTS = 50_000
MAX_POWER_SAMPLES = 400_000
"""About four hours at 25 Hz."""

_KINDS = {2: "call", 3: "result", 4: "error", 5: "result_error", 6: "send"}


class StationTrace:
    """A ring of events and a ring of true power; the observer of a station."""

    def __init__(self) -> None:
        """Start empty."""
        self._events: deque[dict[str, Any]] = deque(maxlen=MAX_EVENTS)
        self._power: deque[tuple[float, float, float]] = deque(maxlen=MAX_POWER_SAMPLES)

    def frame_received(self, text: str) -> None:
        """Note a frame of the CSMS with the moment it was read."""
        self._note_frame("received", text)

    def frame_sent(self, text: str) -> None:
        """Note a frame of the station with the moment it left."""
        self._note_frame("sent", text)

    def link_changed(self, *, is_up: bool) -> None:
        """Note that the link opened or closed."""
        self._note("link_up" if is_up else "link_down")

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Note the true power of this moment."""
        sample = (time.monotonic(), round(true_power_w, 1), round(commanded_w, 1))
        self._power.append(sample)

    def note_action(self, name: str) -> None:
        """Note what a person, or the harness, did to the station."""
        self._note("action", name=name)

    def since(self, t_mono_s: float) -> dict[str, Any]:
        """Return events and power samples later than a monotonic time."""
        return {
            "now_mono": time.monotonic(),
            "events": [event for event in self._events if event["t_mono"] > t_mono_s],
            "power": [sample for sample in self._power if sample[0] > t_mono_s],
        }

    def _note(self, kind: str, **more: Any) -> None:
        self._events.append({"t_mono": time.monotonic(), "kind": kind, **more})

    def _note_frame(self, direction: str, text: str) -> None:
        t_mono = time.monotonic()
        event: dict[str, Any] = {"t_mono": t_mono, "kind": direction}
        try:
            frame = json.loads(text)
            event["type"] = _KINDS.get(frame[0], "unknown")
            event["id"] = frame[1]
            if frame[0] in {2, 6}:
                event["action"] = frame[2]
            event["payload"] = frame[-1]
        except ValueError, LookupError, TypeError:
            event["type"] = "unreadable"
        self._events.append(event)
